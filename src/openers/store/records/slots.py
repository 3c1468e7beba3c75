"""Slots in SQL: found by service, priority and clinician in order of start; held, booked and polled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, bindparam, func, or_, select, update

from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.identifiers import ServiceId, SlotId, UserId
from openers.domain.services.slot_window import SlotWindow
from openers.domain.slots import Became, Outcome, PolledSlot, Slot, SlotState
from openers.store.engine.statements import Connection, Row, Statement, Value, instant, micros, upsert
from openers.store.engine.tables import slots

_columns = slots.c
_BITS: Final = {Priority.ROUTINE: 1, Priority.URGENT: 2, Priority.TWO_WEEK_WAIT: 4}
_SETS: Final[list[frozenset[Priority]]] = [
    frozenset(each for each, bit in _BITS.items() if bits & bit) for bits in range(8)
]
_STATES: Final = {state.value: state for state in SlotState}
_NEVER: Final = 2**62
"""An instant after all others."""
_suitable = and_(
    _columns.service == bindparam("of_service"),
    _columns.state == SlotState.FREE.value,
    _columns.start_at >= bindparam("first"),
    _columns.start_at < bindparam("end"),
    _columns.priorities.op("&")(bindparam("bit", type_=Integer)) != 0,
    or_(bindparam("anybody", type_=Integer) == 1, _columns.clinician == bindparam("of_clinician")),
)


class _Search(NamedTuple):
    """The statements that count and return free slots."""

    number: Statement
    page: Statement


def _search(where: ColumnElement[bool]) -> _Search:
    page = select(slots).where(where).order_by(_columns.start_at, _columns.id)
    return _Search(
        Statement(select(func.count()).select_from(slots).where(where)),
        Statement(page.limit(bindparam("most")).offset(bindparam("skip"))),
    )


_FREE: Final = _search(_suitable)
_UNRESERVED: Final = _search(and_(_suitable, _columns.first_seen <= bindparam("seen_by")))
"""Most services reserve no slots: then no row is compared with the end of the reservation."""
_BOOKED: Final = Statement(
    select(func.count())
    .select_from(slots)
    .where(
        _columns.service == bindparam("of_service"),
        _columns.state == SlotState.BOOKED.value,
        _columns.start_at >= bindparam("first"),
    )
)
_GET: Final = Statement(select(slots).where(_columns.id == bindparam("of_id")))
_BY_PAS: Final = Statement(
    select(slots).where(_columns.service == bindparam("of_service"), _columns.pas_id == bindparam("of_pas_id"))
)
_OF_SERVICE: Final = Statement(select(slots).where(_columns.service == bindparam("of_service")))
_WITHIN: Final = Statement(
    select(slots)
    .where(
        _columns.service == bindparam("of_service"),
        _columns.start_at >= bindparam("first"),
        _columns.start_at < bindparam("end"),
    )
    .order_by(_columns.start_at, _columns.id)
)
_MOVE: Final = Statement(
    update(slots)
    .where(_columns.id == bindparam("of_id"), _columns.state == bindparam("was"))
    .values(state=bindparam("state"))
)
_CHANGE: Final = Statement(
    update(slots)
    .where(_columns.id == bindparam("of_id"), _columns.state == bindparam("was"))
    .values({column: bindparam(column.name) for column in _columns if column.name != "id"})
)
"""Like `_MOVE`, for a slot that may have been held or booked since it was read."""
_ADD: Final = upsert(slots)


class SqlSlots:
    """The `Slots` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def free(
        self, service: ServiceId, clinician: UserId | None, window: SlotWindow, page: tuple[int, int]
    ) -> tuple[Sequence[Slot], int]:
        """Return the free slots within a window, earliest first, and their total number.

        `page` is the number of slots to skip and the number to return.
        """
        skip, most = page
        asked, search = _asked(service, clinician, window)
        total = await self._connection.row(search.number, asked)
        rows = await self._connection.rows(search.page, {**asked, "skip": skip, "most": most})
        seen = {each: instant(each) for each in {row[-1] for row in rows}}  # most were first seen by the same poll
        return [_slot(row, seen[row[-1]]) for row in rows], 0 if total is None else int(total[0])

    async def any_free(self, service: ServiceId, window: SlotWindow) -> bool:
        """Return whether the service has a free slot within a window."""
        asked, search = _asked(service, None, window)
        return bool(await self._connection.rows(search.page, {**asked, "skip": 0, "most": 1}))

    async def booked(self, service: ServiceId, start: Instant) -> int:
        """Return how many booked slots of a service start from `start` on."""
        row = await self._connection.row(_BOOKED, {"of_service": int(service), "first": micros(start)})
        return 0 if row is None else int(row[0])

    async def get(self, slot: SlotId) -> Slot | None:
        """Return the slot with this id."""
        row = await self._connection.row(_GET, {"of_id": int(slot)})
        return None if row is None else _slot(row)

    async def of_service(self, service: ServiceId, start: Instant, end: Instant) -> Sequence[Slot]:
        """Return slots in each state that start from `start` until before `end`, in order of start."""
        window = {"of_service": int(service), "first": micros(start), "end": micros(end)}
        return [_slot(row) for row in await self._connection.rows(_WITHIN, window)]

    async def of_pas(self, service: ServiceId, pas_id: str) -> Slot | None:
        """Return the slot of a service that has this id in its PAS."""
        row = await self._connection.row(_BY_PAS, {"of_service": int(service), "of_pas_id": pas_id})
        return None if row is None else _slot(row)

    async def put(self, slot: Slot) -> None:
        """Add a slot, or replace the one with its id."""
        await self._connection.run(_ADD, _row(slot))

    async def move(self, slot: SlotId, was: SlotState, to: SlotState) -> bool:
        """Change a slot from one state to another; return `False` and do nothing if it is in a third state."""
        return await self._connection.run(_MOVE, {"of_id": int(slot), "was": was, "state": to}) == 1

    async def poll(self, service: ServiceId, polled: Collection[PolledSlot], now: Instant, *, whole: bool) -> Outcome:
        """Store the slots that a PAS returned at `now`; return what became of them.

        Slots that are held or booked here stay so. `whole` means that free slots missing from `polled` are gone. A slot
        that comes back is new again.
        """
        rows = await self._connection.rows(_OF_SERVICE, {"of_service": int(service)})
        known = {slot.pas_id: slot for slot in map(_slot, rows)}
        became: dict[str, Became] = {}
        for each in polled:
            became[each.pas_id] = await self._take_over((service, now), each, known.get(each.pas_id))
        vanished = 0
        if whole:
            for slot in known.values():
                if slot.state is SlotState.FREE and slot.pas_id not in became:
                    vanished += await self.move(slot.id, SlotState.FREE, SlotState.GONE)
        return Outcome(became, vanished)

    async def _take_over(self, told: tuple[ServiceId, Instant], polled: PolledSlot, known: Slot | None) -> Became:
        """Add or change one slot of a service that was told at an instant; return what became of it."""
        service, now = told
        if known is not None and known.state in (SlotState.HELD, SlotState.BOOKED):
            return Became.KEPT
        state = SlotState.FREE if polled.free else SlotState.GONE
        if known is None and not polled.free:
            return Became.IGNORED
        number = SlotId(str(await self._connection.next_number("slot"))) if known is None else known.id
        slot = Slot(
            id=number,
            service=service,
            pas_id=polled.pas_id,
            usrn=polled.usrn,
            start=polled.start,
            end=polled.end,
            priorities=polled.priorities,
            clinician=polled.clinician,
            state=state,
            first_seen=now if known is None or known.state is not SlotState.FREE else known.first_seen,
        )
        if slot == known or (known is not None and known.state is state is SlotState.GONE):
            return Became.UNCHANGED
        if known is None:
            await self._connection.run(_ADD, _row(slot))
            return Became.ADDED
        values = {name: value for name, value in _row(slot).items() if name != "id"}
        if not await self._connection.run(_CHANGE, {**values, "of_id": int(slot.id), "was": known.state}):
            return Became.KEPT
        return Became.CHANGED if polled.free else Became.GONE


def _asked(service: ServiceId, clinician: UserId | None, window: SlotWindow) -> tuple[dict[str, Value], _Search]:
    asked: dict[str, Value] = {
        "of_service": int(service),
        "first": micros(window.start),
        "end": _NEVER if window.end is None else micros(window.end),
        "bit": _BITS[window.priority] if window.is_accepted else 0,
        "anybody": int(clinician is None),
        "of_clinician": clinician,
    }
    if window.seen_by is None:
        return asked, _FREE
    return {**asked, "seen_by": micros(window.seen_by)}, _UNRESERVED


def _row(slot: Slot) -> dict[str, Value]:
    return {
        "id": int(slot.id),
        "service": int(slot.service),
        "pas_id": slot.pas_id,
        "usrn": slot.usrn,
        "start_at": micros(slot.start),
        "end_at": micros(slot.end),
        "clinician": slot.clinician,
        "priorities": sum(_BITS[each] for each in slot.priorities),
        "state": slot.state,
        "first_seen": micros(slot.first_seen),
    }


def _slot(row: Row, first_seen: Instant | None = None) -> Slot:
    """Return the slot of a row; `first_seen` is that instant, if it is known already."""
    number, service, pas_id, usrn, start, end, clinician, bits, state, seen = row
    return Slot(
        id=SlotId.restored(str(number)),
        service=ServiceId.restored(str(service)),
        pas_id=pas_id,
        usrn=usrn,
        start=instant(start),
        end=instant(end),
        priorities=_SETS[int(bits)],
        clinician=None if clinician is None else UserId.restored(clinician),
        state=_STATES[state],
        first_seen=instant(seen) if first_seen is None else first_seen,
    )
