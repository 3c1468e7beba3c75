"""People in a role: contained in their messages, or included in a search result. Source: rules 1.1, 12."""

from __future__ import annotations

from openers.domain.advice import PersonInRole
from openers.wire.json import Json
from openers.wire.stu3.systems import BUSINESS_FUNCTION, ODS_CODE, PRACTITIONER_ROLE, SDS_USER, coded, identified


def role_key(role: PersonInRole) -> str:
    """Return the id of a role in a search result: user, organisation and function."""
    return f"{role.user}.{role.organisation}.{role.function.replace('_', '-')}"


def contained_key(role: PersonInRole) -> str:
    """Return the id of a role that another resource contains."""
    return f"PractitionerRole.{role_key(role)}"


def role_of(role: PersonInRole, id: str) -> Json:
    """Return the role as a resource."""
    return {
        "id": id,
        "meta": {"profile": [PRACTITIONER_ROLE]},
        "resourceType": "PractitionerRole",
        "practitioner": {"identifier": identified(SDS_USER, role.user)},
        "organization": {"identifier": identified(ODS_CODE, role.organisation)},
        "code": [{"coding": [coded(BUSINESS_FUNCTION, role.function)]}],
    }
