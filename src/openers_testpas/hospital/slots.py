"""Slots: filled from the calendar, found by service, added and closed by hand."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from openers_testpas.hospital.calendar import calendar
from openers_testpas.hospital.clinics import Clinics
from openers_testpas.hospital.clock import LONDON, Clock, as_instant, as_number
from openers_testpas.hospital.model import NotPossible, Slot, SlotStatus, Unfit, Unknown, as_row
from openers_testpas.hospital.store import STAMP, Change, Store

LONGEST_SLOT: Final = timedelta(hours=8)


class SlotQuery(msgspec.Struct, frozen=True):
    """A query for slots of a service that start from `start_from` and before `start_before`.

    Without `since` it selects free slots in order of start. With it, all slots changed at that stamp or later, in order
    of change. `after` is the position in that order after which to continue.
    """

    service: str
    start_from: int | None = None
    start_before: int | None = None
    since: int | None = None
    after: tuple[int, str] | None = None
    count: int = 100


class Page(msgspec.Struct, frozen=True):
    """A page of slots, their total number, and where the next page continues."""

    slots: tuple[Slot, ...]
    total: int
    next: tuple[int, str] | None
    stamp: int


class Slots:
    """The slots of all clinics."""

    def __init__(self, store: Store, clinics: Clinics, clock: Clock) -> None:
        """Store the dependencies."""
        self._store = store
        self._clinics = clinics
        self._clock = clock

    def fill(self, days: int, seed: int) -> int:
        """Add the calendar's slots of `days` days from today to the diary; return the number of new slots."""
        now = as_number(self._clock.now())
        planned = calendar(self._clinics.by_id.values(), self._clock.today(), days, seed)
        with self._store.change(now) as change:
            before = change.db.total_changes
            rows = [
                (slot.id, slot.clinic, as_number(slot.start), as_number(slot.end), _status(slot.is_taken), change.stamp)
                for slot in planned
            ]
            change.db.executemany("INSERT INTO slot VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", rows)
            return change.db.total_changes - before

    def find(self, query: SlotQuery) -> Page:
        """Return a page of the slots that match a query."""
        clinics = [clinic.id for clinic in self._clinics.of_service(query.service)]
        where, values = _conditions(query, clinics)
        total = self._store.db.execute(f"SELECT count(*) FROM slot WHERE {where}", values).fetchone()[0]  # noqa: S608 -- made of constants
        order = "start" if query.since is None else "updated"
        if query.after is not None:
            where, values = f"{where} AND ({order}, id) > (?, ?)", [*values, *query.after]
        statement = f"SELECT * FROM slot WHERE {where} ORDER BY {order}, id LIMIT ?"  # noqa: S608 -- made of constants
        rows = self._store.db.execute(statement, [*values, query.count + 1]).fetchall()
        slots = tuple(as_row(row, Slot) for row in rows[: query.count])
        more = len(rows) > query.count
        following = (slots[-1].start if query.since is None else slots[-1].updated, slots[-1].id) if more else None
        return Page(slots, total, following, self._store.fact(STAMP))

    def on_day(self, day: date, service: str | None) -> list[Slot]:
        """Return all slots of a day in London, of one service or of all, by clinic and start."""
        starts = datetime(day.year, day.month, day.day, tzinfo=LONDON)
        following = day + timedelta(days=1)
        ends = datetime(following.year, following.month, following.day, tzinfo=LONDON)
        clinics = self._clinics.by_id.values() if service is None else self._clinics.of_service(service)
        wanted = [clinic.id for clinic in clinics]
        rows = self._store.db.execute(
            f"SELECT * FROM slot WHERE clinic IN ({_marks(wanted)}) AND start >= ? AND start < ? "  # noqa: S608 -- only question marks
            "ORDER BY clinic, start, id",
            [*wanted, as_number(starts), as_number(ends)],
        )
        return [as_row(row, Slot) for row in rows]

    def one(self, slot: str) -> Slot:
        """Return a slot by its id. Raises Unknown."""
        return slot_in(self._store.db, slot)

    def add(self, clinic: str, start: datetime, minutes: int | None) -> Slot:
        """Add a free slot, by default of the clinic's usual length. Raises Unknown or Unfit."""
        known = self._clinics.by_id.get(clinic)
        if known is None:
            raise Unknown(f"there is no clinic {clinic}")
        length = timedelta(minutes=minutes or known.slot_minutes)
        if not timedelta() < length <= LONGEST_SLOT:
            raise Unfit("a slot lasts 1 to 480 minutes")
        starts, ends = as_number(start), as_number(start + length)
        with self._store.change(as_number(self._clock.now())) as change:
            slot = Slot(secrets.token_hex(8), clinic, starts, ends, SlotStatus.FREE, change.stamp)
            change.db.execute("INSERT INTO slot VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(slot))
            return slot

    def close(self, slot: str) -> Slot:
        """Close a free slot; closing a closed one changes nothing. Raises Unknown or NotPossible."""
        with self._store.change(as_number(self._clock.now())) as change:
            found = slot_in(change.db, slot)
            if found.status is SlotStatus.BUSY_UNAVAILABLE:
                return found
            if found.status is not SlotStatus.FREE:
                raise NotPossible("the slot has an appointment: cancel or move that first")
            set_status(change, slot, SlotStatus.BUSY_UNAVAILABLE)
            change.db.execute("INSERT INTO closed_slot VALUES (?)", (slot,))
            return slot_in(change.db, slot)

    def closed(self, slots: Sequence[str]) -> set[str]:
        """Return those of the slots that were closed by hand. Other unavailable slots have the hospital's patients."""
        rows = self._store.db.execute(f"SELECT slot FROM closed_slot WHERE slot IN ({_marks(slots)})", slots)  # noqa: S608 -- only question marks
        return {str(row[0]) for row in rows}


def slot_in(db: sqlite3.Connection, slot: str) -> Slot:
    """Return a slot by its id. Raises Unknown."""
    row = db.execute("SELECT * FROM slot WHERE id = ?", (slot,)).fetchone()
    if row is None:
        raise Unknown(f"there is no slot {slot}")
    return as_row(row, Slot)


def set_status(change: Change, slot: str, status: SlotStatus) -> None:
    """Set the status of a slot."""
    change.db.execute("UPDATE slot SET status = ?, updated = ? WHERE id = ?", (status, change.stamp, slot))


def _status(is_taken: bool) -> SlotStatus:
    return SlotStatus.BUSY_UNAVAILABLE if is_taken else SlotStatus.FREE


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values)


def _conditions(query: SlotQuery, clinics: list[str]) -> tuple[str, list[Any]]:
    where, values = [f"clinic IN ({_marks(clinics)})"], list[Any](clinics)
    if query.since is None:
        where.append(f"status = '{SlotStatus.FREE}'")
    bounds = (("start >= ?", query.start_from), ("start < ?", query.start_before), ("updated >= ?", query.since))
    for condition, value in bounds:
        if value is not None:
            where.append(condition)
            values.append(value)
    return " AND ".join(where), values


def london(number: int) -> datetime:
    """Return a number of the store as London time."""
    return as_instant(number).astimezone(LONDON)
