"""Search the audit for the entries of one patient: who has seen the record, when, in which role. Source: ADR 0087."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import AUDIT_READERS
from openers.domain.audit import SYSTEM, AuditEntry, AuditPlace
from openers.domain.clock import EPOCH, Instant
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.domain.working_hours import LONDON
from openers.usecases.administration.refusals import NotAllowed
from openers.usecases.world import World

READ_AT_ONCE: Final = 100
"""Entries that are read without a pause in which other calls run."""
MOST_READ: Final = 2_000
"""Entries that one call reads at most, however few of them it finds."""
LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)


class SearchAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The patient, and the filters.

    `first` and `last` are days in London. `before` is the place after which a page begins.
    """

    patient: NhsNumber
    first: date | None = None
    last: date | None = None
    person: UserId | None = None
    organisation: OdsCode | None = None
    operation: str | None = None
    before: AuditPlace | None = None
    most: int = READ_AT_ONCE

    def fits(self, entry: AuditEntry) -> bool:
        """Return whether an entry passes all filters; a person acts, or is the one acted for."""
        return (
            self.person in (None, entry.user, entry.on_behalf_of)
            and self.organisation in (None, entry.organisation)
            and self.operation in (None, entry.operation)
        )


class FoundEntries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of entries, the newest first, with the names in them. `next` is where the next page begins, if any."""

    entries: Sequence[AuditEntry]
    next: AuditPlace | None
    people: Mapping[str, str]
    organisations: Mapping[str, str]


async def search_audit(query: SearchAudit, by: Administrator, world: World) -> FoundEntries:
    """Return a page of the entries of a patient; the search is one of them. Raises NotAllowed, Unavailable."""
    world.entry.act = "search audit"
    if by.caller not in AUDIT_READERS:
        cure = f"use an application that administers for itself, or the role {' or '.join(_READING_ROLES)}"
        raise NotAllowed(f"{by.caller} may not search the audit", "Authorization", cure)
    world.entry.touched(patient=query.patient)
    if query.before is None:
        await world.store.upkeep()  # entries that wait for their seal are found too
    entries, following = await _entries(query, world)
    people, organisations = await _names(entries, world)
    return FoundEntries(entries=entries, next=following, people=people, organisations=organisations)


_READING_ROLES: Final = sorted(each.value for each in AUDIT_READERS if each.value.isupper())


async def _entries(query: SearchAudit, world: World) -> tuple[list[AuditEntry], AuditPlace | None]:
    """Return the entries that fit, and the place after which the next page begins."""
    since = EPOCH if query.first is None else _midnight(query.first)
    end = LATEST if query.last is None else _midnight(query.last + timedelta(days=1))
    before, shown = query.before or AuditPlace(end), AuditPlace(end)
    before = min(before, AuditPlace(end))
    found: list[AuditEntry] = []
    for _ in range(MOST_READ // READ_AT_ONCE):
        async with world.read() as tx:
            rows = await tx.audit.of_patient(query.patient, since, before, READ_AT_ONCE)
        for place, entry in rows:
            if query.fits(entry):
                if len(found) == query.most:
                    return found, shown
                found.append(entry)
                shown = place
            before = place
        if len(rows) < READ_AT_ONCE:
            return found, None
        await asyncio.sleep(0)
    return found, before


async def _names(entries: Sequence[AuditEntry], world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of people and of organisations by their identifiers."""
    ids = {each for entry in entries for each in (entry.user, entry.on_behalf_of) if each and each != SYSTEM}
    codes = {entry.organisation for entry in entries if entry.organisation}
    async with world.read() as tx:
        people = [await tx.directory.user(UserId.restored(each)) for each in sorted(ids)]
        organisations = [await tx.directory.organisation(OdsCode.restored(each)) for each in sorted(codes)]
    return (
        {each.id: each.name for each in people if each is not None},
        {each.ods: each.name for each in organisations if each is not None},
    )


def _midnight(day: date) -> Instant:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)
