"""Injected faults at the API, at a PAS or at the scanner. A seed decides which calls they hit.

Each world has its own faults (`FaultBoard`). `openers.worlds.recording.call_recorder` applies those of the API,
`openers.worlds.faults.faulty_pas` those of a PAS. `openers.worlds.http.fault_routes` sets them over HTTP.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Final
from weakref import WeakValueDictionary

import msgspec

from openers.api.registry import all_operations
from openers.domain.identifiers import ServiceId
from openers.system import repeatable
from openers.worlds.refusals import BadCall

DEFAULT_LATENCY_MS: Final = 1000
LONGEST_MS: Final = 600_000
MOST_FAULTS: Final = 100
"""Maximum active faults in one world."""


class Place(StrEnum):
    """Where a fault is injected."""

    API = "the API"
    PAS = "a PAS"
    SCANNER = "the scanner"


class FaultKind(StrEnum):
    """The kinds of fault."""

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
    """The calls to a PAS; the operations of a fault at a PAS."""

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
"""Place of each kind."""
LATE: Final = frozenset({FaultKind.LATENCY, FaultKind.PAS_LATENCY, FaultKind.SLOW_SCAN})
"""Kinds that only delay the call."""
LOSING: Final = frozenset({FaultKind.ERROR, FaultKind.UNAVAILABLE, FaultKind.DROP, FaultKind.PAS_SILENT})
"""Kinds that may also hit after the work was done, so that its reply is lost."""


class FaultRefused(BadCall):
    """An invalid fault. The text names the field, its value and the allowed values."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault to inject.

    It hits a `share` of the matching calls, at most `count` of them. `operations` are A-numbers at the API, or PAS
    calls at a PAS; `services` are service ids; empty means all. Each kind first waits `ms` milliseconds. With `after`
    the work is done and then its reply is lost. `retry_after_s` is the Retry-After of 429 and 503, in seconds.
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
        """Return where it is injected."""
        return PLACES[self.kind]

    @property
    def waits_s(self) -> float:
        """Return how long it waits, in seconds."""
        default = DEFAULT_LATENCY_MS if self.kind in LATE else 0
        return (default if self.ms is None else self.ms) / 1000

    def fits(self, place: Place, operation: str, services: Collection[str]) -> bool:
        """Return whether it matches such a call."""
        return (
            self.place is place
            and (not self.operations or operation in self.operations)
            and (not self.services or not services_apart(self.services, services))
        )


def services_apart(wanted: Collection[str], there: Collection[str]) -> bool:
    """Return whether the two have no service in common."""
    return set(wanted).isdisjoint(there)


class InForce(msgspec.Struct, frozen=True):
    """An active fault: how many calls it has hit, and how many it still may hit (`None`: unlimited)."""

    fault: Fault
    struck: int
    left: int | None


class _Order:
    """One active fault with its own random series, so that other calls do not change which ones it hits."""

    def __init__(self, fault: Fault, seed: int, number: int) -> None:
        self.fault, self.struck = fault, 0
        self._random = repeatable(f"{seed}/{number}")

    @property
    def is_spent(self) -> bool:
        """Return whether it has hit as many calls as it was ordered for."""
        return self.fault.count is not None and self.struck >= self.fault.count

    def strikes(self) -> bool:
        """Return whether the next matching call is hit."""
        struck = self._random.random() < self.fault.share
        self.struck += struck
        return struck


class Faults:
    """The active faults of one world. The first one that matches a call and hits is applied."""

    def __init__(self) -> None:
        """Start without faults."""
        self._orders: list[_Order] = []
        self.seed = 0

    @property
    def in_force(self) -> tuple[InForce, ...]:
        """Return the active faults, including the spent ones."""
        return tuple(
            InForce(each.fault, each.struck, None if each.fault.count is None else each.fault.count - each.struck)
            for each in self._orders
        )

    def replace(self, faults: Collection[Fault], seed: int = 0) -> None:
        """Replace the faults by these, with random series from `seed`. Raises FaultRefused."""
        _check_number(len(faults))
        for fault in faults:
            check(fault)
        self.seed = seed
        self._orders = [_Order(fault, seed, number) for number, fault in enumerate(faults)]

    def add(self, fault: Fault) -> None:
        """Add a fault. Raises FaultRefused."""
        _check_number(len(self._orders) + 1)
        check(fault)
        self._orders.append(_Order(fault, self.seed, len(self._orders)))

    def ask_services(self, place: Place) -> bool:
        """Return whether a fault at this place is limited to certain services."""
        return any(each.fault.place is place and each.fault.services for each in self._orders)

    def strike(self, place: Place, operation: str, services: Collection[str] = ()) -> Fault | None:
        """Return the fault that hits this call, if any, and count it."""
        fitting = (each for each in self._orders if not each.is_spent and each.fault.fits(place, operation, services))
        return next((each.fault for each in fitting if each.strikes()), None)


class FaultBoard:
    """The faults of each world by its name. They exist as long as the adapters of the world hold them."""

    def __init__(self) -> None:
        """Start without faults in any world."""
        self._faults: WeakValueDictionary[str, Faults] = WeakValueDictionary()

    def of(self, world: str) -> Faults:
        """Return the faults of a world."""
        return self._faults.setdefault(world, Faults())


def _check_number(count: int) -> None:
    if count > MOST_FAULTS:
        raise FaultRefused(f"faults: a world has at most {MOST_FAULTS}; remove some first (DELETE /_test/faults)")


def check(fault: Fault) -> None:
    """Raise FaultRefused if the fault is invalid."""
    known = _known_operations(fault.place)
    for operation in fault.operations:
        if operation not in known:
            raise FaultRefused(
                f"operations: {operation!r} is unknown; allowed: {', '.join(known) or 'none for the scanner'}"
            )
    for service in fault.services:
        if ServiceId.pattern.fullmatch(service) is None:
            raise FaultRefused(f"services: {service!r} is not a service id: it must be {ServiceId.shape}")
    if fault.after and fault.kind not in LOSING:
        raise FaultRefused(f"after: {fault.kind} cannot occur after the work; only {', '.join(sorted(LOSING))} can")


def _known_operations(place: Place) -> tuple[str, ...]:
    match place:
        case Place.API:
            return tuple(sorted({each.id for each in all_operations()}))
        case Place.PAS:
            return tuple(PasCall)
        case Place.SCANNER:
            return ()
