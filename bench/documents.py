"""Documents: the rate of A007, and the rate of A005 beside it, in one process of the service."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from bench.load import Measured, Request, run
from bench.processes import Server

DOCUMENTS_A_SECOND: Final = 60.0
KEPT: Final = 0.7
"""Minimum rate of documents while A005 runs at full speed, and minimum share of its rate that A005 keeps."""
AT_ONCE: Final = 4
BESIDE: Final = 16


class Figures(msgspec.Struct, frozen=True):
    """A007 without other load, A007 beside A005, and the share of its rate that A005 keeps."""

    alone: Measured
    beside: Measured
    kept: float


def measure_documents(service: Server, reading: Request, directory: Path, seconds: int) -> Figures:
    """Return all figures about documents of the referrals that `reading` (A005) requests."""
    read = Request("A005 beside A007", "GET", reading.paths, reading.headers)
    paths = tuple(f"{path}/$ers.generateCRI" for path in reading.paths)
    printed = Request("A007", "POST", paths, reading.headers)
    run(service.base_url, printed, AT_ONCE, 1, directory)
    alone = run(service.base_url, printed, AT_ONCE, seconds, directory)
    before = run(service.base_url, read, BESIDE, seconds, directory)
    with ThreadPoolExecutor(1) as aside:
        printing = aside.submit(run, service.base_url, printed, AT_ONCE, seconds + 2, directory)
        during = run(service.base_url, read, BESIDE, seconds, directory)
        beside = printing.result()
    after = run(service.base_url, read, BESIDE, seconds, directory)
    return Figures(alone, beside, 2 * during.rate / (before.rate + after.rate))
