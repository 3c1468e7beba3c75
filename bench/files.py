"""Uploads against the disk: A020 with 1 MiB beside `dd oflag=dsync` with blocks of the same size, in one directory."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench.load import Measured, Request

UPLOAD: Final = "A020 1 MiB"
SIZE: Final = 1024 * 1024
_SECONDS: Final = re.compile(r"copied, ([\d.]+) s")


class FileFigures(msgspec.Struct, frozen=True):
    """Rates of A020 by connections, and blocks a second that `dd` made durable before and after, at 16 connections."""

    rates: dict[int, Measured]
    disk_rates: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Return the share of the disk's rate that A020 reaches."""
        return self.rates[16].rate / (sum(self.disk_rates) / len(self.disk_rates))


def upload(headers: dict[str, str], path: str, directory: Path) -> Request:
    """Return the request for an upload of 1 MiB of text."""
    content = directory / "content"
    content.write_bytes(
        (b"Letters of the alphabet, again and again, in a file that is as long as it says.\n" * SIZE)[:SIZE]
    )
    named = {**headers, "Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt"}
    return Request(UPLOAD, "POST", (path,), named, file=content)


def measure_files(
    at: Callable[[int], Measured], connections: tuple[int, ...], seconds: int, directory: Path
) -> FileFigures:
    """Measure uploads: `at` runs them at a number of connections; `directory` is on the disk of the service's files."""
    before = disk_rate(directory, seconds)
    first = at(16)
    after = disk_rate(directory, seconds)
    return FileFigures({16: first, **{each: at(each) for each in connections if each != 16}}, (before, after))


def disk_rate(directory: Path, seconds: int) -> float:
    """Return the blocks a second that `dd` makes durable, one after another, for about `seconds`."""
    rate = _dd(directory, 50)
    return _dd(directory, max(50, round(rate * seconds)))


def _dd(directory: Path, count: int) -> float:
    into = directory / "dd"
    command = ["dd", "if=/dev/zero", f"of={into}", f"bs={SIZE}", f"count={count}", "oflag=dsync"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env={"LC_ALL": "C"}).stderr  # noqa: S603 - our own command
    into.unlink()
    took = _SECONDS.search(printed)
    if took is None:
        raise RuntimeError(f"unexpected output of dd:\n{printed}")
    return count / float(took[1])
