"""Take over the roles that a person's log-in claims: make the person, or replace the roles of the last log-in."""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant
from openers.domain.directory import Assurance, Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import end_person


class ClaimedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the OpenID provider describes them. Workgroups are written `ODS/name`."""

    id: UserId
    name: str
    roles: tuple[Role, ...]
    workgroups: frozenset[str]
    assurance: Assurance


async def take_claims(tx: Tx, claimed: ClaimedPerson, now: Instant) -> User:
    """Store the person with the claimed roles at known organisations, and return them.

    Roles that an administrator gave stay. If the person has lost a role since the last log-in, their sessions end. A
    person who is not active stays unchanged, and one who never had a role is not stored.
    """
    known = await tx.directory.user(claimed.id)
    if known is not None and not known.active:
        return known
    given = () if known is None else tuple(role for role in known.roles if not role.from_claims)
    roles = [role for role in claimed.roles if await tx.directory.organisation(role.organisation) is not None]
    person = User(
        id=claimed.id,
        name=claimed.name,
        roles=_joined(given, roles),
        workgroups=_workgroups(known, claimed, {role.organisation for role in roles}),
        assurance=claimed.assurance if known is None else known.assurance,
    )
    if known is not None and _held(known) - _held(person):
        await end_person(tx, person.id, now)
    if person != known and (known is not None or person.roles):
        await tx.directory.put_user(person)
    return person


def _joined(given: tuple[Role, ...], claimed: list[Role]) -> tuple[Role, ...]:
    """Return one role for each organisation and source; a claimed role leaves out functions that are given already."""
    held = {(role.organisation, function) for role in given for function in role.functions}
    new = [
        msgspec.structs.replace(
            role, functions=tuple(each for each in role.functions if (role.organisation, each) not in held)
        )
        for role in claimed
    ]
    return (*given, *(role for role in new if role.functions))


def _workgroups(known: User | None, claimed: ClaimedPerson, organisations: set[OdsCode]) -> frozenset[str]:
    """Return the claimed workgroups, and the known ones at organisations for which none are claimed."""
    new = {name for name in claimed.workgroups if name.partition("/")[0] in organisations}
    named = {name.partition("/")[0] for name in new}
    old = frozenset[str]() if known is None else known.workgroups
    return frozenset(new | {name for name in old if name.partition("/")[0] not in named})


def _held(person: User) -> frozenset[tuple[OdsCode, BusinessFunction]]:
    return frozenset((role.organisation, function) for role in person.roles for function in role.functions)
