"""Refresh the mirror of PDS before a transaction begins, so that no lock or connection is held while PDS is asked.

Use cases about new requests call `current_number` first. Those about existing requests use the last known record, which
`renew_patients` keeps at most a day old, since a referral under way must never wait for PDS. Source: ADR 0079.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from openers.domain.errors import Field, NeighbourSilent, ReferenceNotFound
from openers.domain.identifiers import NhsNumber
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import MirrorState, Patient, Standing
from openers.usecases.due import system_entry
from openers.usecases.ports.neighbours import KnownPatient, Mirroring, NoPatient
from openers.usecases.world import World

AUDIT: Final = "Refresh patient from PDS"
MOST_REPLACED: Final = 3
"""How many replacements of a number are followed, one after another."""
MOST_ABSENT: Final = 1000
"""Maximum number of unknown numbers that a process remembers."""


async def current_number(number: NhsNumber, world: World) -> NhsNumber:
    """Bring the record of a number up to date and return the number to use: another one if PDS has replaced it.

    No transaction may be open. Raises ReferenceNotFound (unknown or invalidated), NeighbourSilent.
    """
    if world.mirroring is None:
        return number
    asked = number
    for _ in range(MOST_REPLACED):
        state = await _up_to_date(asked, world, world.mirroring)
        if state.standing is Standing.CURRENT:
            return asked
        if state.replaced_by is None:
            break
        asked = state.replaced_by
    raise ReferenceNotFound(Field.PATIENT, number, "is not known")


async def search_first(search: PatientSearch, world: World) -> bool:
    """Store what PDS finds, so that the search of the mirror finds it; return `False` if PDS found more.

    No transaction may be open. If PDS is silent, the mirror is searched as it is, and the result is not complete.
    Raises RecordLocked.
    """
    if world.mirroring is None:
        return True
    own = world.for_call(system_entry("Search patients at PDS", world.wall.now()))
    try:
        found = await world.mirroring.source.search(search)
    except NeighbourSilent:
        await _record_silence(own)
        return False
    for each in found.patients:
        await _store_known(each.patient.nhs_number, each, own)
    return found.complete


async def refresh(number: NhsNumber, world: World, *, is_patient_here: bool = False) -> MirrorState:
    """Ask PDS for a number now and store the answer; callers at the same time share one request.

    With `is_patient_here` the answer is stored also if PDS does not know the number. Raises NeighbourSilent.
    """
    mirroring = world.mirroring
    if mirroring is None:
        raise NeighbourSilent("Personal Demographics Service", "it is not configured")
    key = (world.name, number)
    task = mirroring.under_way.get(key)
    if task is None:
        own = world.for_call(system_entry(AUDIT, world.wall.now()))
        own.entry.touched(patient=number)
        task = asyncio.create_task(_ask(number, own, mirroring, is_patient_here=is_patient_here))
        mirroring.under_way[key] = task
        task.add_done_callback(lambda done: _forget(key, done, mirroring))
    return await asyncio.shield(task)  # a caller that goes away takes nothing from the others


def _forget(key: tuple[str, NhsNumber], done: asyncio.Task[MirrorState], mirroring: Mirroring) -> None:
    """Forget a refresh that has ended; its error was raised to each caller that still waited."""
    del mirroring.under_way[key]
    if not done.cancelled():
        done.exception()


async def _up_to_date(number: NhsNumber, world: World, mirroring: Mirroring) -> MirrorState:
    """Return what PDS says of a number; if it is silent, what it said before, unless that is too old."""
    now = world.wall.now()
    state = await _known(number, world)
    if state is None:
        state = mirroring.absent.get((world.name, number))
    if state is not None and now - state.asked < mirroring.fresh:
        return state
    try:
        return await refresh(number, world)
    except NeighbourSilent:
        if state is None or now - state.asked >= mirroring.stale:
            raise
        world.entry.patient_as_of = state.asked
        return state


async def _known(number: NhsNumber, world: World) -> MirrorState | None:
    """Return what PDS said of a number before; `None` if its record was lost, so that it is asked for whole."""
    async with world.read() as tx:
        state = await tx.mirror.get(number)
        if state is not None and state.standing is Standing.CURRENT and await tx.patients.get(number) is None:
            return None
        return state


async def _ask(number: NhsNumber, world: World, mirroring: Mirroring, *, is_patient_here: bool) -> MirrorState:
    """Ask PDS and store the answer. `world` is bound to an audit entry of its own. Raises NeighbourSilent."""
    known = await _known(number, world)
    version = known.version if known is not None and known.standing is Standing.CURRENT else ""
    try:
        answer = await mirroring.source.read(number, version)
    except NeighbourSilent:
        await _record_silence(world)
        raise
    asked = world.wall.now()
    if isinstance(answer, KnownPatient):
        return await _store_known(number, answer, world)
    if isinstance(answer, NoPatient):
        standing = Standing.INVALID if answer.invalid else Standing.UNKNOWN
        state = MirrorState(nhs_number=number, asked=asked, standing=standing)
        if known is None and not is_patient_here and not await _is_stored(number, world):
            return _remember_absent(state, world, mirroring)
    else:
        state = MirrorState(nhs_number=number, asked=asked, standing=Standing.CURRENT, version=version)
    await _store([state], None, world)
    return state


async def _record_silence(world: World) -> None:
    """Persist the audit entry of a request that got no usable reply."""
    world.entry.code = "SILENT"
    await world.store.record_audit(world.entry)


async def _is_stored(number: NhsNumber, world: World) -> bool:
    async with world.read() as tx:
        return await tx.patients.get(number) is not None


def _remember_absent(state: MirrorState, world: World, mirroring: Mirroring) -> MirrorState:
    """Keep the answer in memory only."""
    key = (world.name, state.nhs_number)
    mirroring.absent[key] = state
    mirroring.absent.move_to_end(key)
    if len(mirroring.absent) > MOST_ABSENT:
        mirroring.absent.popitem(last=False)
    return state


async def _store_known(number: NhsNumber, known: KnownPatient, world: World) -> MirrorState:
    """Store a record under its own number, and under `number` too if that is another one, which it replaces.

    Requests under the replaced number keep it, and show the present name, address and restrictions.
    """
    now, own = world.wall.now(), known.patient.nhs_number
    states = [MirrorState(nhs_number=own, asked=now, standing=Standing.CURRENT, version=known.version)]
    if own != number:
        states.append(MirrorState(nhs_number=number, asked=now, standing=Standing.REPLACED, replaced_by=own))
    await _store(states, known.patient, world)
    return states[-1]


async def _store(states: Sequence[MirrorState], patient: Patient | None, world: World) -> None:
    """Store what PDS said of these numbers in one small act."""
    async with world.begin(AUDIT, lock=[f"patient/{each.nhs_number}" for each in states]) as tx:
        for each in states:
            await tx.mirror.put(each)
            own = None if patient is None else msgspec.structs.replace(patient, nhs_number=each.nhs_number)
            if own is not None and await tx.patients.get(each.nhs_number) != own:
                await tx.patients.put(own)
