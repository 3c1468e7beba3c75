"""The cost of the exchange log: the CPU time that it adds to a call, and its share of a whole call over HTTP.

One service in this process serves the same request with the log and without, in short turns, so that a change of the
machine's speed concerns both. What the log adds, storing included, is compared with the CPU time that a serving process
needs for a call over HTTP. `python -m bench.exchange_log` runs this row only.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, load_demo, running, settings_for

from bench.load import Request, run
from bench.processes import Server
from openers.api.edge import Edge
from openers.bootstrap import Service
from openers.settings import Settings

MOST: Final = 0.03
"""Maximum share of a call's CPU time that the log may add."""
TURNS: Final = 60
CALLS: Final = 250
"""Calls in a turn, of which 16 run at the same time."""
CONNECTIONS: Final = 16
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class LogCost(msgspec.Struct, frozen=True):
    """What the log adds to a call, and a whole call over HTTP, in microseconds of CPU time; and the share."""

    added_us: float
    call_us: float
    share: float

    @property
    def held(self) -> bool:
        """Return whether the log costs at most `MOST`."""
        return self.share <= MOST


def measure_log(service: Server, request: Request, seconds: int, directory: Path) -> LogCost:
    """Measure the log in this process, and the CPU time of `request` at a running service."""
    folder = directory / "exchange-log"
    folder.mkdir()
    settings = settings_for(f"sqlite:///{folder / 'log.db'}", folder, kept_exchanges=0, exchange_log=True)
    load_demo(settings)
    added = asyncio.run(_added_us(settings))
    before = _ticks(service.pid)
    measured = run(service.base_url, request, CONNECTIONS, seconds, directory)
    call = (_ticks(service.pid) - before) / _TICKS * 1e6 / measured.answered
    return LogCost(added, call, added / call)


def report_log(cost: LogCost) -> bool:
    """Print the figures; return whether the log costs at most `MOST`."""
    print(f"{'exchange log adds':22}{cost.added_us:11.1f} µs of CPU time to a call of {cost.call_us:.0f} µs")
    held = f"at most {MOST:.0%}{'' if cost.held else '  MISSED'}"
    print(f"{'exchange log':22}{cost.share:11.1%}   {held}")
    return cost.held


async def _added_us(settings: Settings) -> float:
    """Return the median of what the log adds to A005, in microseconds of CPU time."""
    async with running(settings) as started:
        gp = await started.as_person(GP)
        path = f"/referrals/FHIR/STU3/ReferralRequest/{(await gp.post(**create_referral())).json()['id']}"
        headers = [(name.lower().encode(), value.encode()) for name, value in gp.headers.items()]
        scope: dict[str, Any] = {
            "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers,
            "client": ("127.0.0.1", 1), "root_path": "",
        }  # fmt: skip
        service = started.service
        edges = (_without_log(service.edge), service.edge)
        times: tuple[list[float], list[float]] = ([], [])
        for turn in range(TURNS + 2):
            for index in (0, 1) if turn % 2 else (1, 0):
                spent = await _turn(edges[index], service, scope)
                if turn >= 2:  # the first ones fill caches
                    times[index].append(spent)
    return median(with_log - without for without, with_log in zip(*times, strict=True))


def _without_log(edge: Edge) -> Edge:
    return msgspec.structs.replace(edge, loop=msgspec.structs.replace(edge.loop, exchanges=None))


async def _turn(edge: Edge, service: Service, scope: dict[str, Any]) -> float:
    """Return the CPU time of a call in one turn, in microseconds; the log is stored at its end."""
    statuses: list[int] = []

    async def _send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def _receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _caller() -> None:
        for _ in range(CALLS // CONNECTIONS):
            await edge(dict(scope), _receive, _send)

    began = time.process_time()
    await asyncio.gather(*(_caller() for _ in range(CONNECTIONS)))
    await service.settle_exchanges()
    spent = time.process_time() - began
    _check(statuses)
    return spent / len(statuses) * 1e6


def _check(statuses: Sequence[int]) -> None:
    if set(statuses) != {200}:
        raise RuntimeError(f"a call of the benchmark was refused: {sorted(set(statuses))}")


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    """Measure and print this row only."""
    from bench.__main__ import measure_exchange_log  # it imports this module

    with tempfile.TemporaryDirectory() as name:
        held = report_log(measure_exchange_log(Path(name), 4))
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    main()
