"""People in FHIR R4: the caller's own functions (A030), and the clinicians for whom an administrator may act (A040).

Source: rules chapter 4 (A030, A040) and 9.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.directory import Role, User
from openers.wire.instants import write_instant
from openers.wire.json import Json
from openers.wire.r4.bundles import Searchset, coded

_SDS_USER: Final = "https://fhir.nhs.uk/Id/sds-user-id"
_ODS_CODE: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
_FUNCTIONS: Final = "https://fhir.nhs.uk/CodeSystem/eRS-BusinessFunction-1"


def write_practitioner_roles(user: User, result: Searchset) -> bytes:
    """Return the functions of `user` at each organisation (A030)."""
    of = "PractitionerRole"
    roles = [_role(user, role, result) for role in user.roles]
    return result.write(of, [(result.full_url(of, str(role["id"])), role) for role in roles])


def write_practitioners(users: Sequence[User], result: Searchset) -> bytes:
    """Return the clinicians for whom the caller may act (A040)."""
    # Unlike everywhere else, the published full URL here lacks the service's address.
    return result.write("Practitioner", [(f"Practitioner/{user.id}", _practitioner(user, result)) for user in users])


def _role(user: User, role: Role, result: Searchset) -> Json:
    """Return the functions of `user` at one organisation."""
    return {
        "id": f"PractitionerRole-{role.organisation}-{user.id}",
        "meta": {"lastUpdated": write_instant(result.at)},
        "resourceType": "PractitionerRole",
        "practitioner": {"identifier": {"system": _SDS_USER, "value": user.id}},
        "organization": {"identifier": {"system": _ODS_CODE, "value": role.organisation}},
        "code": [coded(_FUNCTIONS, function) for function in role.functions],
    }


def _practitioner(user: User, result: Searchset) -> Json:
    """Return one clinician. FHIR defines an array of identifiers; the real service returns an object (rules 9.4)."""
    return {
        "id": user.id,
        "resourceType": "Practitioner",
        "meta": {"lastUpdated": write_instant(result.at)},
        "identifier": {"system": _SDS_USER, "value": user.id},
    }
