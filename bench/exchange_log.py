"""The cost of the exchange log: CPU time of the service for each call, with the log and without.

Two services run on copies of the same world, and take turns, so that a change of the machine's speed concerns both. The
figure is the median of the rounds. `python -m bench.exchange_log` runs this row only.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.load import Request, run
from bench.processes import Server, server

MOST: Final = 0.03
"""Maximum share of a call's CPU time that the log may add."""
ROUNDS: Final = 15
CONNECTIONS: Final = 16
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class LogCost(msgspec.Struct, frozen=True):
    """CPU time of a call in microseconds, without the log and with it, and what the log adds, as a share."""

    without_us: float
    with_us: float
    share: float

    @property
    def held(self) -> bool:
        """Return whether the log costs at most what it may."""
        return self.share <= MOST


def measure_log(
    prepare: Callable[[Path], tuple[list[str], dict[str, str]]],
    request_of: Callable[[Server, Path], Request],
    seconds: int,
    directory: Path,
) -> LogCost:
    """Measure the same request at a service with the log and at one without.

    `prepare` makes a world in a folder and returns the arguments and the environment of its service.
    """
    folders = {each: directory / f"log-{each}" for each in ("false", "true")}
    for folder in folders.values():
        folder.mkdir()
    off, on = (prepare(folder) for folder in folders.values())
    with (
        server(off[0], {**off[1], "OPENERS_EXCHANGE_LOG": "false"}, "/referrals/_ping", folders["false"]) as without,
        server(on[0], {**on[1], "OPENERS_EXCHANGE_LOG": "true"}, "/referrals/_ping", folders["true"]) as logging,
    ):
        pairs = [(without, request_of(without, folders["false"])), (logging, request_of(logging, folders["true"]))]
        for each, request in pairs:
            _cpu_us(each, request, 1, directory)
        times: list[list[float]] = [[], []]
        for number in range(ROUNDS):
            for index in (0, 1) if number % 2 else (1, 0):
                times[index].append(_cpu_us(*pairs[index], seconds, directory))
    shares = [with_us / without_us - 1 for without_us, with_us in zip(*times, strict=True)]
    return LogCost(median(times[0]), median(times[1]), median(shares))


def report_log(cost: LogCost) -> bool:
    """Print the figures; return whether the log costs at most what it may."""
    print(f"{'A005 without log':22}{cost.without_us:11.1f} µs of CPU time")
    print(f"{'A005 with log':22}{cost.with_us:11.1f} µs of CPU time")
    held = f"at most {MOST:.0%}{'' if cost.held else '  MISSED'}"
    print(f"{'exchange log':22}{cost.share:11.1%}   {held}")
    return cost.held


def _cpu_us(service: Server, request: Request, seconds: int, directory: Path) -> float:
    """Return the CPU time of the service for each call, in microseconds."""
    before = _ticks(service.pid)
    measured = run(service.base_url, request, CONNECTIONS, seconds, directory)
    return (_ticks(service.pid) - before) / _TICKS * 1e6 / measured.answered


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    """Measure and print this row only."""
    from bench.__main__ import measure_exchange_log  # it imports this module

    with tempfile.TemporaryDirectory() as name:
        held = report_log(measure_exchange_log(Path(name), 2))
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    main()
