"""Refresh an organisation from ODS: register it, or bring its record up to date. Source: ADR 0080."""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Resource
from openers.domain.directory import Organisation, OrganisationKind
from openers.domain.identifiers import OdsCode
from openers.usecases.administration.kinds import KINDS, LONGEST_KEY
from openers.usecases.administration.records import ANY_VERSION, NEW, Act, How, PutRecord, kind_of, put_in, run_act
from openers.usecases.administration.refusals import NoSuchRecord, Unfit
from openers.usecases.administration.repeats import Change, known_result
from openers.usecases.ports.neighbours import OdsOrganisation, OrganisationSource
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


async def refresh_organisation(key: str, by: Administrator, world: World, how: How) -> Change:
    """Ask ODS for an organisation and store what it says; a commissioner that is not registered yet comes with it.

    ODS is asked before the act. Raises AdministrationRefused, NeighbourSilent, RecordLocked, Unavailable.
    """
    kind = kind_of(Resource.ORGANISATIONS, Method.PUT, by)
    if world.ods is None:
        raise Unfit("this service does not ask ODS", "path", "set OPENERS_ODS_URL, or put the record")
    if not kind.is_key(key):
        raise _no_such(key[:LONGEST_KEY])
    name = f"refresh organisations {key}"
    first = await _first_result(how, world)
    if first is not None:
        return await run_act(Act(name, ()), lambda _tx: _again(first), how, world)
    found = await world.ods.read(OdsCode(key))
    if found is None:
        raise _no_such(key)
    payer = await _new_commissioner(found, world, world.ods)
    wanted = [found] if payer is None else [payer, found]

    async def _put(tx: Tx) -> Change:
        return [await _put_one(each, by, world, tx) for each in wanted][-1]

    locks = [lock for each in wanted for lock in KINDS[Resource.ORGANISATIONS].locks(each.ods)]
    return await run_act(Act(name, tuple(dict.fromkeys(locks))), _put, how, world)


def _no_such(key: str) -> NoSuchRecord:
    return NoSuchRecord(f"ODS has no organisation {key}", "path", "look the code up at ODS")


async def _first_result(how: How, world: World) -> Change | None:
    """Return the result of the first request with the same idempotency key. Raises KeyReused."""
    async with world.read() as tx:
        return await known_result(how.once, tx, world.wall.now())


async def _again(first: Change) -> Change:
    return first


async def _new_commissioner(found: OdsOrganisation, world: World, source: OrganisationSource) -> OdsOrganisation | None:
    """Return the commissioner of an organisation if it is not registered yet. Raises NeighbourSilent."""
    if found.commissioner is None or found.commissioner == found.ods:
        return None
    async with world.read() as tx:
        if await tx.directory.organisation(found.commissioner) is not None:
            return None
    payer = await source.read(found.commissioner)
    return payer if payer is not None and payer.kind is OrganisationKind.COMMISSIONER else None


async def _put_one(found: OdsOrganisation, by: Administrator, world: World, tx: Tx) -> Change:
    """Put one organisation in the act. Raises AdministrationRefused."""
    old = await KINDS[Resource.ORGANISATIONS].register(tx).get(found.ods)
    value = _registered(found) if old is None else _renewed(old.value, found)
    command = PutRecord(resource=Resource.ORGANISATIONS, value=value, expected=NEW if old is None else ANY_VERSION)
    return await put_in(tx, command, by, world)


def _registered(found: OdsOrganisation) -> Organisation:
    """Return a new record. Raises Unfit if the organisation has no part in referrals, or no postcode."""
    if found.kind is None:
        cause = f"{found.ods} is neither a GP practice nor a provider or commissioner at ODS"
        raise Unfit(cause, "path", "put the record with the kind that it has here")
    if found.postcode is None:
        raise Unfit(f"{found.ods} has no full postcode at ODS", "path", "put the record with a postcode")
    return Organisation(
        ods=found.ods,
        name=found.name,
        kind=found.kind,
        postcode=found.postcode,
        address=found.address,
        telephone=found.telephone,
        closed_on=found.closed_on,
        commissioner=found.commissioner if found.kind is OrganisationKind.GP_PRACTICE else None,
    )


def _renewed(old: Organisation, found: OdsOrganisation) -> Organisation:
    """Return a record with what ODS says. Its kind stays, and so does the commissioner of all but practices."""
    is_practice = old.kind is OrganisationKind.GP_PRACTICE
    return msgspec.structs.replace(
        old,
        name=found.name,
        postcode=found.postcode or old.postcode,
        address=found.address or old.address,
        telephone=found.telephone or old.telephone,
        closed_on=_closing(old, found),
        commissioner=found.commissioner if is_practice else old.commissioner,
    )


def _closing(old: Organisation, found: OdsOrganisation) -> date | None:
    """Return the day on which an organisation closes. An earlier day stays if ODS does not know the day."""
    if found.is_day_known or found.closed_on is None or old.closed_on is None:
        return found.closed_on
    return min(old.closed_on, found.closed_on)
