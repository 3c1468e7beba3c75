"""`python -m bench`: measure the hot operations against the yardsticks and print a table; `--json FILE` writes JSON.

Each request includes token check, role check, rules, audit and a durable commit. Bars and aims are ratios to the floor
of the same run at 16 connections. Exit status 1 if a first bar is missed.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.kit.service.running import load_demo, settings_for

from bench.booking import BOOK, FIND_SLOTS, HUNG, measure_booking
from bench.documents import DOCUMENTS_A_SECOND, KEPT, measure_documents
from bench.documents import Figures as DocumentFigures
from bench.exchange_log import LogCost, measure_log, report_log
from bench.files import UPLOAD, FileFigures, measure_files
from bench.hostile import hostile_delays, report_hostile
from bench.load import Measured, Request, run
from bench.mutual_tls import measure_mutual_tls, report_mutual_tls
from bench.pages import measure_pages, report_pages
from bench.processes import Server, server
from bench.scenarios import environ_of, requests_of
from bench.worklists import SMALL, WORKLIST
from bench.worklists import measure as measure_worklist
from bench.world import crowded
from openers.settings import Settings

BARS: Final = {
    "A004 PRIORITY": (0.5, 0.65),
    "A005": (0.45, 0.6),
    "A010 top 20 of 1000": (0.12, 0.2),
    "A011": (0.10, 0.18),
    FIND_SLOTS: (0.2, 0.3),
    WORKLIST: (0.15, 0.25),
    BOOK: (0.05, 0.1),
}
"""First bar and aim: share of the floor's rate at 16 connections."""
P99_MS: Final = 30.0
MEMORY_MIB: Final = 180.0
START_S: Final = 1.5
HUNG_RATIO: Final = 1.2
DISK_RATIO: Final = 0.4
"""Limits of a run. P99 applies to each reply except a booking, which waits for the PAS. Memory and start time are those
of the demo world. The ratios limit the slowdown of calls while a PAS hangs, and uploads against the disk's rate.
"""
CONNECTIONS: Final = (16, 64)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="length of each run")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name), options.seconds)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    sys.exit(0 if report(figures) else 1)


def measure(directory: Path, seconds: int) -> dict[str, Any]:
    """Return all figures of one run."""
    figures: dict[str, Any] = {"rates": {}}
    for kind in ("bare", "floor"):
        arguments = ["-m", "bench.yardsticks", kind, "PORT", str(directory)]
        with server(arguments, {}, "/", directory) as yardstick:
            request = Request(kind, "GET", ("/",), {})
            run(yardstick.base_url, request, 16, 1, directory)
            figures["rates"][kind] = _rates(yardstick, request, seconds, directory)
    figures |= _demo_weight(directory)
    settings = settings_for(f"sqlite:///{directory / 'bench.db'}", directory)
    load_demo(settings, crowded(1000))
    with server(
        ["-m", "openers.cli.main", "serve", "--port", "PORT"], environ_of(settings), "/referrals/_ping", directory
    ) as service:
        *requests, uploading = requests_of(service, directory)
        for request in requests:
            figures["rates"][request.name] = _rates(service, request, seconds, directory)
        files = _files(service, uploading, seconds, directory)
        figures["rates"][UPLOAD] = files.rates
        figures |= {"disk_ratio": files.ratio, "disk_rates": files.disk_rates}
        reading = next(each for each in requests if each.name == "A005")
        figures["documents"] = measure_documents(service, reading, directory, seconds)
        figures["memory_after_load_mib"] = service.memory_mib()
        created = sum(each.answered for each in figures["rates"]["A011"].values())
        _check_store(directory / "bench.db", created)
    figures["exchange_log"] = measure_exchange_log(directory, max(1, seconds // 2))
    figures["hostile_ms"] = hostile_delays(_demo_settings(directory), directory)
    (directory / "pages").mkdir()
    figures["pages"] = measure_pages(directory / "pages", seconds * 4)
    figures["rates"][WORKLIST] = measure_worklist(directory, SMALL, seconds, CONNECTIONS)
    figures["mutual_tls"] = measure_mutual_tls(directory / "tls", seconds)
    return _with_booking(figures, seconds, directory)


def measure_exchange_log(directory: Path, seconds: int) -> LogCost:
    """Measure what the exchange log adds to A005, and its share of a call over HTTP."""
    (directory / "http").mkdir()
    settings = settings_for(f"sqlite:///{directory / 'http' / 'log.db'}", directory / "http")
    load_demo(settings)
    arguments = ["-m", "openers.cli.main", "serve", "--port", "PORT"]
    with server(arguments, environ_of(settings), "/referrals/_ping", directory) as service:
        reading = next(each for each in requests_of(service, directory) if each.name == "A005")
        return measure_log(service, reading, seconds, directory)


def _with_booking(figures: dict[str, Any], seconds: int, directory: Path) -> dict[str, Any]:
    (directory / "booking").mkdir()
    booking = measure_booking(directory / "booking", seconds, CONNECTIONS)
    figures["rates"] |= booking.rates
    return {**figures, "hung_ratio": booking.hung_ratio}


def _rates(service: Server, request: Request, seconds: int, directory: Path) -> dict[int, Measured]:
    return {each: run(service.base_url, request, each, seconds, directory) for each in CONNECTIONS}


def _demo_settings(directory: Path) -> Settings:
    return settings_for(f"sqlite:///{directory / 'demo.db'}", directory)


def _demo_weight(directory: Path) -> dict[str, float]:
    """Return memory and start time of the service on the plain demo world, after one request of each kind."""
    settings = _demo_settings(directory)
    load_demo(settings)
    arguments = ["-m", "openers.cli.main", "serve", "--port", "PORT"]
    with server(arguments, environ_of(settings), "/referrals/_ping", directory) as service:
        requests_of(service, directory)
        return {"start_s": service.started_s, "memory_mib": service.memory_mib()}


def _files(service: Server, request: Request, seconds: int, directory: Path) -> FileFigures:
    return measure_files(
        lambda each: run(service.base_url, request, each, seconds, directory), CONNECTIONS, seconds, directory
    )


def _check_store(path: Path, answered: int) -> None:
    """Check that each acknowledged referral is in the store, and that the store has the required settings."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as raw:
        stored: int = raw.execute("SELECT count(*) FROM referrals").fetchone()[0]
        mode: str = raw.execute("PRAGMA journal_mode").fetchone()[0]
    if stored < answered or mode != "wal":
        raise RuntimeError(f"{answered} referrals were acknowledged, {stored} are stored; journal mode {mode}")


def report(figures: dict[str, Any]) -> bool:
    """Print the table; return whether all first bars are reached."""
    rates: dict[str, dict[int, Measured]] = figures["rates"]
    floor, good = rates["floor"], True
    print(f"{'':22}{'16: req/s':>11}{'p99 ms':>8}{'/floor':>8}{'64: req/s':>11}{'p99 ms':>8}   first   aim")
    for name, by in rates.items():
        ratio = by[16].rate / floor[16].rate
        first, aim = BARS.get(name, (0.0, 0.0))
        held = ratio >= first and (name not in BARS or name == BOOK or by[16].p99_ms <= P99_MS)
        good &= held
        bars = (
            f"{first:8.2f}{aim:6.2f}  {'MISSED' if not held else 'aim' if ratio >= aim else 'held'}"
            if name in BARS
            else ""
        )
        print(
            f"{name:22}{by[16].rate:11.0f}{by[16].p99_ms:8.1f}{ratio:8.2f}{by[64].rate:11.0f}{by[64].p99_ms:8.1f}{bars}"
        )
    limits = (("start_s", START_S), ("memory_mib", MEMORY_MIB), ("hung_ratio", HUNG_RATIO))
    for key, limit in limits:
        good &= figures[key] <= limit
        print(f"{key:22}{figures[key]:11.2f}   at most {limit:g}{'' if figures[key] <= limit else '  MISSED'}")
    disk = figures["disk_ratio"]
    good &= disk >= DISK_RATIO
    print(f"{'disk_ratio':22}{disk:11.2f}   at least {DISK_RATIO:g}{'' if disk >= DISK_RATIO else '  MISSED'}")
    print(f"disk_ratio: {UPLOAD} at 16 connections, against dd oflag=dsync with pieces as large, before and after")
    print(f"hung_ratio: time of A005 with {HUNG} calls to the PAS hanging, against without")
    print(f"{'memory after load':22}{figures['memory_after_load_mib']:11.1f} MiB")
    good &= report_log(figures["exchange_log"])
    good &= report_hostile(figures["hostile_ms"])
    report_mutual_tls(figures["mutual_tls"])
    good &= report_pages(figures["pages"])
    return good & _report_documents(figures["documents"])


def _report_documents(documents: DocumentFigures) -> bool:
    """Print the figures of documents; return whether the bars are reached."""
    beside, kept = documents.beside.rate, documents.kept
    held = beside >= DOCUMENTS_A_SECOND and kept >= KEPT
    print(f"{'A007 alone':22}{documents.alone.rate:11.0f} documents/s, p99 {documents.alone.p99_ms:.0f} ms")
    print(f"{'A007 beside A005':22}{beside:11.0f} documents/s, at least {DOCUMENTS_A_SECOND:g}")
    print(f"{'A005 beside A007':22}{kept:11.2f} of its rate, at least {KEPT:g}{'' if held else '  MISSED'}")
    return held


if __name__ == "__main__":
    main()
