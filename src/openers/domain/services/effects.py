"""What a change of a service does to referrals that are under way: one table.

The rules themselves are where they apply: searches, bookings and lists compare with the live service of the moment, and
referrals keep copies of what was chosen. This table says which of them a change brings into play. Source: rules part 3,
chapter A.9.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from openers.domain.codes import BookableType
from openers.domain.services.draft import ServiceDraft


class Effect(StrEnum):
    """A kind of change with an effect on referrals under way."""

    UNPUBLISHED = "UNPUBLISHED"
    ENDS = "ENDS"
    RECODED = "RECODED"
    NOT_DIRECTLY_BOOKABLE = "NOT_DIRECTLY_BOOKABLE"
    PRIORITY_REMOVED = "PRIORITY_REMOVED"
    CLINICIAN_NOT_NAMED = "CLINICIAN_NOT_NAMED"
    LOCATION_MOVED = "LOCATION_MOVED"
    RULE_ENDED = "RULE_ENDED"


class Before(NamedTuple):
    """A service before and after a change, and whether it has a PAS."""

    old: ServiceDraft
    new: ServiceDraft
    linked: bool


class Found(msgspec.Struct, frozen=True):
    """An effect of a change; `what` names the codes, days or people that it concerns."""

    effect: Effect
    what: tuple[str, ...] = ()


TOLD: Final[dict[Effect, str]] = {
    Effect.UNPUBLISHED: "the service is not found; bookings and deferrals stand, and a referral that has neither needs"
    " another service",
    Effect.ENDS: "after its last day the service is as if it were unpublished",
    Effect.RECODED: "referrals keep the codes with which they were made; searches use the new ones",
    Effect.NOT_DIRECTLY_BOOKABLE: "slots are not shown any more; bookings stand and can be cancelled, and deferrals"
    " wait for the provider as before",
    Effect.PRIORITY_REMOVED: "referrals of this priority cannot be booked, deferred or sent for triage; bookings stand",
    Effect.CLINICIAN_NOT_NAMED: "bookings stand; a search by this name does not find the service",
    Effect.LOCATION_MOVED: "letters show the new place from now on: print those of booked appointments again",
    Effect.RULE_ENDED: "new searches do not find the service; referrals that have it keep it, and can be booked",
}
"""What happens to referrals under way."""


def effects_of(old: ServiceDraft, new: ServiceDraft, *, linked: bool) -> list[Found]:
    """Return the effects of publishing `new` in place of `old`, in the order of the table."""
    change = Before(old, new, linked)
    found = [Found(effect, what(change)) for effect, what in _WHAT.items()]
    return [each for each in found if each.what]


def _ends(change: Before) -> tuple[str, ...]:
    sooner = change.new.closes_on is not None and change.new.closes_on < (change.old.closes_on or date.max)
    return (str(change.new.closes_on),) if sooner else ()


def _recoded(change: Before) -> tuple[str, ...]:
    return tuple("/".join(pair) for pair in change.old.clinic_types if pair not in change.new.clinic_types)


def _not_directly_bookable(change: Before) -> tuple[str, ...]:
    old, new = (each.booked_how(linked=change.linked) for each in (change.old, change.new))
    directly = BookableType.DIRECTLY_BOOKABLE
    return (new.value,) if old is directly and new is not directly else ()


def _priority_removed(change: Before) -> tuple[str, ...]:
    return tuple(sorted(change.old.priorities - change.new.priorities))


def _clinician_not_named(change: Before) -> tuple[str, ...]:
    return tuple(sorted(str(each) for each in change.old.clinicians - change.new.clinicians))


def _location_moved(change: Before) -> tuple[str, ...]:
    return (str(change.new.site),) if change.new.site != change.old.site else ()


_WHAT: Final[dict[Effect, Callable[[Before], tuple[str, ...]]]] = {
    Effect.ENDS: _ends,
    Effect.RECODED: _recoded,
    Effect.NOT_DIRECTLY_BOOKABLE: _not_directly_bookable,
    Effect.PRIORITY_REMOVED: _priority_removed,
    Effect.CLINICIAN_NOT_NAMED: _clinician_not_named,
    Effect.LOCATION_MOVED: _location_moved,
}
"""How publishing causes each effect. The other two come of unpublishing, and of withdrawing a commissioner's rule."""
