"""The report of a failing test: the calls in its world, and why the service rejected any, with the cure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from openers.testing.world import REFUSED, ControlRefused, WorldOfTest

SHOWN: Final = 30
"""Number of calls in a report, the latest."""


def calls_of(world: WorldOfTest) -> str:
    """Return the latest calls in a world, in their order, and the explanation of each that was rejected.

    The service masks personal data and credentials in what it records. If it does not respond, return why.
    """
    from openers_client.http import ServiceUnreachable  # slow to import, and not needed by runs without a failure

    try:
        calls: list[dict[str, Any]] = world.control("GET", f"/requests?limit={SHOWN}")["requests"]
        return "\n".join(line for call in reversed(calls) for line in _lines(world, call)) or "no call was recorded"
    except (ControlRefused, ServiceUnreachable) as error:
        return f"the recorded calls could not be read: {error}"


def _lines(world: WorldOfTest, call: dict[str, Any]) -> Iterator[str]:
    """Yield the call, and for a rejected one the explanation."""
    yield " ".join(str(call[name]) for name in ("status", "call", "operation") if call[name])
    if call["status"] < REFUSED:
        return
    explained = world.control("GET", f"/explain/{call['request_id']}")["explanations"][0]
    if failure := explained["failure"]:
        yield f"    why:  {failure['told']} (check: {failure['check']}, rule: {failure['rule']})"
        yield f"    cure: {failure['fix']}"
        yield from (f"    rule: {cited['rule']}, {cited['url']}" for cited in failure["rules"])
    yield from (f"    near miss: {each}" for each in explained["near_misses"])
