"""Write the reports about services: effects of a change, pairs that are not in use, and the last poll."""

from __future__ import annotations

from typing import Any, Final

from openers.domain.services.effects import TOLD
from openers.domain.services.poll_report import PollReport
from openers.domain.slots import Became
from openers.usecases.services.effects import UnderWay
from openers.usecases.services.unmapped import OldCodes

BECAME: Final[dict[Became, str]] = {
    Became.ADDED: "the slot is new",
    Became.CHANGED: "the slot has changed, or is free again",
    Became.UNCHANGED: "the slot was known like this",
    Became.GONE: "the slot is not free any more",
    Became.KEPT: "the slot is held or booked here, and stays so",
    Became.IGNORED: "the slot is not free, and was not known",
}
"""What became of each row, in words."""


def write_effects(found: UnderWay) -> dict[str, Any]:
    """Return the effects of a change as JSON."""
    told = [{"effect": each.effect, "what": each.what, "told": TOLD[each.effect]} for each in found.effects]
    return {"effects": told, "waiting": found.waiting, "booked": found.booked}


def write_old_codes(found: OldCodes) -> dict[str, Any]:
    """Return a service with pairs that are not in use as JSON."""
    pairs = [{"pair": each.pair, "mapped": each.new is not None, "new": each.new or ()} for each in found.pairs]
    return {
        "service": str(found.service),
        "name": found.name,
        "organisation": str(found.organisation),
        "status": found.status,
        "pairs": pairs,
        "waiting": found.waiting,
    }


def write_last_poll(found: PollReport) -> dict[str, Any]:
    """Return the report on a poll as JSON."""
    return {
        "at": found.at.isoformat(),
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "since": None if found.since is None else found.since.isoformat(),
        "sent": found.sent,
        "changed": found.changed,
        "vanished": found.vanished,
        "problem": found.problem,
        "rows": [{"became": each.became, "told": BECAME[each.became], "sent": each.sent} for each in found.rows],
    }
