"""The cast of a world in words, for the home page of test mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from openers.domain.directory import Organisation, User
from openers.domain.patient import Patient
from openers.usecases.directory.list_cast import CastList
from openers.web.home import Cast, CastOrganisation, CastPatient, CastPerson, CastService
from openers.web.log_in import in_words

MOST_PATIENTS: Final = 12


def cast_in_words(found: CastList, patients: Iterable[Patient], day: date) -> Cast:
    """Return the cast; of the patients, the special ones first."""
    named = {each.ods: each.name for each in found.organisations}
    told = [CastPatient(str(each.nhs_number), _name(each), _about(each, day)) for each in patients]
    return Cast(
        people=[CastPerson(str(user.id), user.name, _roles(user)) for user in found.people],
        patients=sorted(told, key=_is_plain)[:MOST_PATIENTS],
        services=[
            CastService(str(one.id), one.name, named.get(one.organisation, one.organisation), _flows(one.flows))
            for one in found.services
        ],
        organisations=[CastOrganisation(str(each.ods), each.name, _kind(each)) for each in found.organisations],
    )


def _kind(organisation: Organisation) -> str:
    words = str(organisation.kind).replace("_", " ")
    return words if words.isupper() and len(words) < 4 else words.capitalize().replace("Gp ", "GP ")


def _roles(user: User) -> Sequence[str]:
    return [f"{in_words(each)} at {role.organisation}" for role in user.roles for each in role.functions]


def _flows(flows: Iterable[str]) -> Sequence[str]:
    return [str(flow).replace("_", " ").lower() for flow in flows]


def _name(patient: Patient) -> str:
    return f"{patient.given_name} {patient.family_name}"


def _about(patient: Patient, day: date) -> str:
    special = (
        (patient.sensitive, "restricted record: calls are refused"),
        (patient.died is not None, "has died: calls are refused"),
        (patient.practice is None, "not registered with a practice"),
        (patient.age_years(day) < 16, "a child"),
    )
    return "; ".join(text for holds, text in special if holds) or f"{patient.age_years(day)} years, nothing special"


def _is_plain(patient: CastPatient) -> bool:
    return "nothing special" in patient.about
