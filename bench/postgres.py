"""`python -m bench.postgres --database-url URL`: the service on PostgreSQL, beside pgbench on the same server.

URL names an empty database of a server on this machine. pgbench (read only, and like TPC-B) runs on that server before
and after, in the same database. Each request runs with one process of the service and with two, at 16 connections and
at 64. Printed are requests a second, the 99th percentile, and the processor time of the service for a request. Exit
status 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.kit.service.running import load_demo, settings_for

from bench.load import Measured, Request, run
from bench.processes import Server, server, work_s
from bench.scenarios import environ_of, requests_of
from bench.world import crowded

CONNECTIONS: Final = (16, 64)
WORKERS: Final = (1, 2)
SCALE: Final = 10
"""Branches of pgbench: a million accounts."""
KINDS: Final = {"tpcb-like": (), "select": ("-S",)}
BARS: Final = {"A011": ("tpcb-like", 0.35), "A005": ("select", 0.12)}
"""Least share of pgbench's rate at 16 connections, by one process."""
P99_MS: Final = 50.0
"""Most at 64 connections."""
_RATE: Final = re.compile(r"tps = ([\d.]+) \(without")


class Row(msgspec.Struct, frozen=True):
    """A request by some processes at some connections: its figures, and processor time of a call in microseconds."""

    name: str
    workers: int
    connections: int
    measured: Measured
    cpu_us: float


def measure(folder: Path, database_url: str, seconds: int) -> tuple[dict[str, float], list[Row]]:
    """Return the rates of pgbench, and the rows of the service."""
    settings = settings_for(database_url, folder)
    load_demo(settings, crowded(1000))
    rows, yardsticks = list[Row](), [_pgbench(database_url, seconds, prepare=True)]
    for workers in WORKERS:
        environ = {**environ_of(settings), "OPENERS_WORKERS": str(workers)}
        arguments = ["-m", "openers.cli.main", "serve", "--port", "PORT"]
        with server(arguments, environ, "/referrals/_ping", folder) as service:
            *requests, _ = requests_of(service, folder)
            rows += [_row(service, each, workers, at, seconds, folder) for each in requests for at in CONNECTIONS]
    yardsticks.append(_pgbench(database_url, seconds, prepare=False))
    return {kind: sum(each[kind] for each in yardsticks) / len(yardsticks) for kind in KINDS}, rows


def _row(service: Server, request: Request, *how: Any) -> Row:
    workers, connections, seconds, folder = how
    run(service.base_url, request, connections, 1, folder)
    before = work_s(service.pid, whole=True)
    measured = run(service.base_url, request, connections, seconds, folder)
    spent = work_s(service.pid, whole=True) - before
    return Row(request.name, workers, connections, measured, spent * 1e6 / measured.answered)


def _pgbench(database_url: str, seconds: int, *, prepare: bool) -> dict[str, float]:
    """Return transactions a second of pgbench by kind, with 16 clients and prepared statements."""
    command = [_tool(), "--no-vacuum"]
    if prepare:
        subprocess.run([*command, "-i", "-q", "-s", str(SCALE), database_url], check=True, capture_output=True)  # noqa: S603 -- our own command line
    rates = dict[str, float]()
    for kind, options in KINDS.items():
        words = [*command, *options, "-M", "prepared", "-c", "16", "-j", "1", "-T", str(seconds), database_url]
        printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- our own command line
        found = _RATE.search(printed)
        if found is None:
            raise RuntimeError(f"unexpected output of pgbench:\n{printed}")
        rates[kind] = float(found[1])
    return rates


def _tool() -> str:
    """Return the path of pgbench, which Debian keeps outside PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    found = shutil.which("pgbench") or (str(packaged[-1]) if packaged else None)
    if found is None:
        raise RuntimeError("pgbench was not found: install postgresql-contrib")
    return found


def report(yardsticks: dict[str, float], rows: list[Row]) -> bool:
    """Print the table; return whether the bars are reached."""
    for kind, rate in yardsticks.items():
        print(f"pgbench {kind:14}{rate:11.0f} transactions/s")
    good = True
    print(f"{'':22}processes  connections      req/s    p99 ms   CPU µs   of pgbench")
    for each in rows:
        kind, least = BARS.get(each.name, ("tpcb-like", 0.0))
        share = each.measured.rate / yardsticks[kind]
        missed = each.workers == 1 and (
            (each.connections == CONNECTIONS[0] and share < least)
            or (each.connections == CONNECTIONS[1] and each.name in BARS and each.measured.p99_ms > P99_MS)
        )
        good &= not missed
        print(
            f"{each.name:22}{each.workers:9}{each.connections:13}{each.measured.rate:11.0f}{each.measured.p99_ms:10.1f}"
            f"{each.cpu_us:9.0f}{share:13.2f}{'  MISSED' if missed else ''}"
        )
    return good


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="bench.postgres", description=__doc__)
    parser.add_argument("--database-url", required=True, help="an empty database")
    parser.add_argument("--seconds", type=int, default=8, help="length of each run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sys.exit(0 if report(*measure(Path(name), options.database_url, options.seconds)) else 1)


if __name__ == "__main__":
    main()
