"""Faults that test mode plays on request: at the API, at a PAS, at the scanner. Which calls they strike is seeded.

Each world has its own (`FaultBoard`). `openers.worlds.recording.probe` plays those of the API,
`openers.worlds.faults.faulty_pas` those of a PAS; ordering them over HTTP is `openers.worlds.http.fault_routes`.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Final
from weakref import WeakValueDictionary

import msgspec

from openers.api.registry import all_operations
from openers.domain.identifiers import ServiceId
from openers.worlds.refusals import BadCall

DEFAULT_LATENCY_MS: Final = 1000
LONGEST_MS: Final = 600_000
MOST_FAULTS: Final = 100
"""Faults in force in one world."""


class Place(StrEnum):
    """Where a fault is played."""

    API = "the API"
    PAS = "a PAS"
    SCANNER = "the scanner"


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    TOO_MANY_REQUESTS = "too-many-requests"
    ERROR = "error"
    UNAVAILABLE = "unavailable"
    DROP = "drop"
    PAS_LATENCY = "pas-latency"
    PAS_REFUSED = "pas-refused"
    PAS_SLOT_GONE = "pas-slot-gone"
    PAS_SILENT = "pas-silent"
    SLOW_SCAN = "slow-scan"


class PasCall(StrEnum):
    """What a PAS is asked for; the operations of a fault at a PAS."""

    BOOK = "book"
    CANCEL = "cancel"
    LOOK_UP = "look-up"
    SLOTS = "slots"


PLACES: Final = {
    **dict.fromkeys(FaultKind, Place.API),
    **dict.fromkeys(
        (FaultKind.PAS_LATENCY, FaultKind.PAS_REFUSED, FaultKind.PAS_SLOT_GONE, FaultKind.PAS_SILENT), Place.PAS
    ),
    FaultKind.SLOW_SCAN: Place.SCANNER,
}
"""Where each kind is played."""
LATE: Final = frozenset({FaultKind.LATENCY, FaultKind.PAS_LATENCY, FaultKind.SLOW_SCAN})
"""Kinds that do nothing but wait."""
LOSING: Final = frozenset({FaultKind.ERROR, FaultKind.UNAVAILABLE, FaultKind.DROP, FaultKind.PAS_SILENT})
"""Kinds that may also strike after the work was done, so that its answer is lost."""


class FaultRefused(BadCall):
    """A fault can't be ordered. The text names the field, its value and what is possible."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault to play.

    `share` of the calls that fit are struck, at most `count` of them. `operations` are A-numbers at the API and what a
    PAS is asked for at a PAS; `services` are service ids; none means all. Every kind waits `ms` milliseconds first.
    `after`: the work is done, and then its answer is lost. `retry_after_s` is what 429 and 503 tell, in seconds.
    """

    kind: FaultKind
    operations: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    services: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    ms: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MS)] | None = None
    retry_after_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 1
    after: bool = False

    @property
    def place(self) -> Place:
        """Where it is played."""
        return PLACES[self.kind]

    @property
    def waits_s(self) -> float:
        """How long it waits, in seconds."""
        default = DEFAULT_LATENCY_MS if self.kind in LATE else 0
        return (default if self.ms is None else self.ms) / 1000

    def fits(self, place: Place, operation: str, services: Collection[str]) -> bool:
        """Whether it is about such a call."""
        return (
            self.place is place
            and (not self.operations or operation in self.operations)
            and (not self.services or not services_apart(self.services, services))
        )


def services_apart(wanted: Collection[str], there: Collection[str]) -> bool:
    """Whether the two have no service in common."""
    return set(wanted).isdisjoint(there)


class InForce(msgspec.Struct, frozen=True):
    """A fault in force: how often it has struck, and how often it still will (`None`: without end)."""

    fault: Fault
    struck: int
    left: int | None


class _Order:
    """One fault in force, with its own series of chances, so that no other call changes which ones it strikes."""

    def __init__(self, fault: Fault, seed: int, number: int) -> None:
        self.fault, self.struck = fault, 0
        self._random = random.Random(f"{seed}/{number}")  # noqa: S311 - must be repeatable, guards nothing

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.struck >= self.fault.count

    def strikes(self) -> bool:
        """Whether the next call that fits is struck."""
        struck = self._random.random() < self.fault.share
        self.struck += struck
        return struck


class Faults:
    """The faults in force in one world; the first that fits a call and strikes is played."""

    def __init__(self) -> None:
        """None are in force."""
        self._orders: list[_Order] = []
        self.seed = 0

    @property
    def in_force(self) -> tuple[InForce, ...]:
        """Those in force, the spent ones included."""
        return tuple(
            InForce(each.fault, each.struck, None if each.fault.count is None else each.fault.count - each.struck)
            for each in self._orders
        )

    def replace(self, faults: Collection[Fault], seed: int = 0) -> None:
        """Let these be in force and no others, their chances beginning at `seed`. Raises FaultRefused."""
        _check_number(len(faults))
        for fault in faults:
            check(fault)
        self.seed = seed
        self._orders = [_Order(fault, seed, number) for number, fault in enumerate(faults)]

    def add(self, fault: Fault) -> None:
        """Let this one be in force too. Raises FaultRefused."""
        _check_number(len(self._orders) + 1)
        check(fault)
        self._orders.append(_Order(fault, self.seed, len(self._orders)))

    def ask_services(self, place: Place) -> bool:
        """Whether any fault at this place is about certain services."""
        return any(each.fault.place is place and each.fault.services for each in self._orders)

    def strike(self, place: Place, operation: str, services: Collection[str] = ()) -> Fault | None:
        """The fault that strikes this call, if any; counts it."""
        fitting = (each for each in self._orders if not each.is_spent and each.fault.fits(place, operation, services))
        return next((each.fault for each in fitting if each.strikes()), None)


class FaultBoard:
    """The faults of each world, by its name, for as long as something holds them: the adapters of the world do."""

    def __init__(self) -> None:
        """No world has any."""
        self._faults: WeakValueDictionary[str, Faults] = WeakValueDictionary()

    def of(self, world: str) -> Faults:
        """Those of a world."""
        return self._faults.setdefault(world, Faults())


def _check_number(count: int) -> None:
    if count > MOST_FAULTS:
        raise FaultRefused(f"faults: a world has at most {MOST_FAULTS}; remove some first (DELETE /_test/faults)")


def check(fault: Fault) -> None:
    """Raise FaultRefused if the fault can't be played as it is written."""
    known = _known_operations(fault.place)
    for operation in fault.operations:
        if operation not in known:
            raise FaultRefused(f"operations: {operation!r} is none of {', '.join(known) or 'a fault at the scanner'}")
    for service in fault.services:
        if ServiceId.pattern.fullmatch(service) is None:
            raise FaultRefused(f"services: {service!r} is no service id: it must be {ServiceId.shape}")
    if fault.after and fault.kind not in LOSING:
        raise FaultRefused(f"after: {fault.kind} can't strike after the work, only {', '.join(sorted(LOSING))} can")


def _known_operations(place: Place) -> tuple[str, ...]:
    match place:
        case Place.API:
            return tuple(sorted({each.id for each in all_operations()}))
        case Place.PAS:
            return tuple(PasCall)
        case Place.SCANNER:
            return ()
