"""The first slots of a service, from the explanation of its environment why a referrer sees it and its slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

FIRST: Final = 5
LONGEST: Final = 12
"""Maximum digits of a service's number."""
TAKEN: Final = "STATE"
"""What hides a slot that is not free."""


class Slot(msgspec.Struct, frozen=True):
    """A free slot: its begin, and why referrers do not see it; empty if they do."""

    start: datetime
    hidden: str


def is_service(text: str) -> bool:
    """Return whether a text is the number of a service."""
    return text.isascii() and text.isdecimal() and 0 < len(text) <= LONGEST and text[0] != "0"


def first_slots(told: Mapping[str, Any]) -> Sequence[Slot]:
    """Return the first free slots of an explanation."""
    free = [each for each in told.get("slots", ()) if each["hidden_by"] != TAKEN]
    slots = [Slot(datetime.fromisoformat(each["start"]), each["told"]) for each in free]
    return sorted(slots, key=lambda each: each.start)[:FIRST]
