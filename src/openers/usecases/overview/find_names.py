"""Find the names behind identifiers (X003): patients, people and organisations, up to 100 in one call.

Referrers may see any patient whom the service can look up. Others see only patients with a request that they may see.
Sensitive patients are never named. Source: ADR 0054.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from openers.domain.directory import Organisation, User
from openers.domain.errors import Field, MissingValue, TooManyItems
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.domain.patient import Patient
from openers.domain.principal import REFERRING_SIDE, Principal
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

MOST: Final = 100
"""Maximum number of identifiers in one call."""


class FindNames(msgspec.Struct, frozen=True, kw_only=True):
    """The identifiers, and the caller."""

    by: Principal
    patients: Sequence[NhsNumber] = ()
    people: Sequence[UserId] = ()
    organisations: Sequence[OdsCode] = ()


class FoundNames(msgspec.Struct, frozen=True, kw_only=True):
    """The records found, each once, in the requested order. `replaced` has the present numbers of replaced ones."""

    patients: Sequence[Patient]
    people: Sequence[User]
    organisations: Sequence[Organisation]
    replaced: Mapping[NhsNumber, NhsNumber] = {}


async def find_names(query: FindNames, world: World) -> FoundNames:
    """Return the records that exist and that the caller may see. Raises MissingValue, TooManyItems."""
    wanted = len(query.patients) + len(query.people) + len(query.organisations)
    check_number(wanted, Field.IDENTIFIER)
    async with world.read() as tx:
        people = [await tx.directory.user(each) for each in dict.fromkeys(query.people)]
        organisations = [await tx.directory.organisation(each) for each in dict.fromkeys(query.organisations)]
        patients = await _patients(query, world, tx)
        world.entry.showed(each.nhs_number for each in patients)
        return FoundNames(
            patients=patients,
            replaced={} if world.mirroring is None else await _replaced(patients, tx),
            people=[each for each in people if each is not None],
            organisations=[each for each in organisations if each is not None],
        )


def check_number(wanted: int, field: Field) -> None:
    """Raise MissingValue if nothing is wanted, TooManyItems if more than `MOST`."""
    if not wanted:
        raise MissingValue(field, hint="name at least one")
    if wanted > MOST:
        raise TooManyItems(field, wanted, f"is more than {MOST}; send several requests")


async def _replaced(patients: Sequence[Patient], tx: Tx) -> dict[NhsNumber, NhsNumber]:
    """Return the present number of each patient whose number PDS has replaced."""
    states = await tx.mirror.several([each.nhs_number for each in patients])
    return {each.nhs_number: each.replaced_by for each in states if each.replaced_by is not None}


async def _patients(query: FindNames, world: World, tx: Tx) -> list[Patient]:
    """Return the patients that the caller may see."""
    asked = list(dict.fromkeys(query.patients))
    if query.by.function not in REFERRING_SIDE:
        known = {*await tx.referrals.known(asked, query.by), *await tx.conversations.known(asked, query.by)}
        asked = [each for each in asked if each in known]
    found = [await world.patients.get(each, tx) for each in asked]
    return [each for each in found if each is not None and not each.sensitive]
