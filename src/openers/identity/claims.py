"""Roles as claims: the reply of the userinfo endpoint, read from the upstream provider and written by our own.

Each entry of `nhsid_nrbac_roles` is a role profile at one organisation with its activity codes. Source: rules chapter
2.2, the national provider's claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from openers.domain.directory import Assurance, Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from openers.identity.activities import codes_of, functions_of
from openers.usecases.sessions.claimed_roles import ClaimedPerson

MOST_ROLES: Final = 500
LONGEST_NAME: Final = 200
JOB_ROLE: Final = "S8000:G8000:R8000"
"""The job role that our own provider states for everybody: a clinical practitioner. No access follows from it."""

_Text = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]


class RoleClaim(msgspec.Struct, frozen=True):
    """One role profile."""

    org_code: _Text
    activity_codes: list[_Text] = []
    workgroups: list[_Text] = []


class UserInfo(msgspec.Struct, frozen=True):
    """The part of the userinfo reply that is used."""

    sub: _Text
    name: _Text = ""
    nhsid_nrbac_roles: Annotated[list[RoleClaim], msgspec.Meta(max_length=MOST_ROLES)] = []


def person_of(info: UserInfo, user: UserId, assurance: Assurance) -> ClaimedPerson:
    """Return the person whom the claims describe, without entries that have no valid organisation or known activity."""
    functions: dict[OdsCode, dict[BusinessFunction, None]] = {}
    workgroups: set[str] = set()
    for claim in info.nhsid_nrbac_roles:
        organisation, found = _organisation(claim.org_code), functions_of(claim.activity_codes)
        if organisation is None or not found:
            continue
        functions.setdefault(organisation, {}).update(dict.fromkeys(found))
        workgroups |= {f"{organisation}/{name}" for name in claim.workgroups if name}
    roles = tuple(Role(organisation, tuple(held), from_claims=True) for organisation, held in functions.items())
    return ClaimedPerson(
        id=user, name=info.name or str(user), roles=roles, workgroups=frozenset(workgroups), assurance=assurance
    )


def role_claims(user: User) -> Sequence[dict[str, Any]]:
    """Return the roles of a person as claims, one entry for each organisation."""
    return [
        {
            "person_roleid": _role_id(user.id, role.organisation),
            "org_code": str(role.organisation),
            "role_code": JOB_ROLE,
            "activity_codes": codes_of(role.functions),
            "workgroups": sorted(name.partition("/")[2] for name in user.workgroups_at(role.organisation)),
        }
        for role in user.roles
    ]


def _organisation(code: str) -> OdsCode | None:
    try:
        return OdsCode(code)
    except ValueError:
        return None


def _role_id(user: UserId, organisation: OdsCode) -> str:
    """Return the id of a role profile: 12 digits that are always the same for a person at an organisation."""
    return f"{int(sha256(f'{user}/{organisation}'.encode()).hexdigest(), 16) % 10**12:012d}"
