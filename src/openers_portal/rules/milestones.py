"""The milestones of a product, computed from what has happened, with the evidence.

Source: rules part 2, chapter 3.2 (Transparency Policy in the Special Terms).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec


class Happening(StrEnum):
    """A kind of event in the life of a product."""

    REGISTERED = "registered"
    SETTINGS = "settings"
    ENDPOINT = "endpoint"
    CERTIFICATE = "certificate"
    REVOCATION = "revocation"
    CALL = "call"
    COMPLIANCE = "compliance"
    ASSESSMENT = "assessment"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened: when, by whom, and the evidence in words."""

    kind: Happening
    at: datetime
    by: str
    evidence: str


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone: when it was reached, and why one may believe it; otherwise what leads to it."""

    name: str
    at: datetime | None = None
    evidence: str = ""
    wanting: str = ""


class _Rule(NamedTuple):
    name: str
    reached_by: Happening | None
    wanting: str


_NOT_MEASURED: Final = "Not yet measurable: the portal has no part that releases a product"
_RULES: Final = (
    _Rule("Registered", Happening.REGISTERED, "Register the product"),
    _Rule("Initiation", Happening.SETTINGS, "Tell how the product will use the service"),
    _Rule("Connected", Happening.CALL, "Make a successful call with the ASID of the product"),
    _Rule("Compliance", Happening.COMPLIANCE, "Meet all requirements that apply, in the assessment of the product"),
    _Rule("Released", None, _NOT_MEASURED),
)


def milestones(events: Sequence[Event]) -> Sequence[Milestone]:
    """Return all milestones in their order; the first event that fits is the evidence of one."""
    return [_milestone(rule, events) for rule in _RULES]


def _milestone(rule: _Rule, events: Sequence[Event]) -> Milestone:
    fitting = [each for each in events if each.kind is rule.reached_by]
    if not fitting:
        return Milestone(name=rule.name, wanting=rule.wanting)
    first = min(fitting, key=lambda each: each.at)
    return Milestone(name=rule.name, at=first.at, evidence=f"{first.evidence} ({first.by})")
