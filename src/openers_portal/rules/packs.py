"""Test packs: invented organisations, people, patients and services, the same for the same seed number.

The seed decides every id, so that two packs of an environment never meet. No person and no patient exists: NHS numbers
begin with 999, which is never issued.
Source: rules part 2, chapter 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import msgspec

SEEDS: Final = range(1, 5000)
MOST_OF_PARTNER: Final = 5
PATIENTS: Final = 150
NUMBERS: Final = 200
"""NHS numbers that belong to one seed; one of eleven has no check digit."""
_FIRST_BORN: Final = date(1920, 1, 15)
_BORN_APART: Final = timedelta(days=241)
_DIED_AFTER: Final = timedelta(days=20_000)
_POSTCODE: Final = "LS1 4AP"
_TYPE: Final = ("CARDIOLOGY", "HEART_FAILURE")
_FAMILY: Final = (
    *("Applegarth", "Birkby", "Crosland", "Dewhirst", "Earnshaw", "Fawcett", "Garside", "Holroyd", "Ineson"),
    *("Jowett", "Kershaw", "Lumb", "Midgley", "Naylor", "Ogden", "Priestley", "Ramsden", "Sugden", "Thwaite"),
)
_GIVEN: Final = (
    *("Ada", "Ben", "Cora", "Dev", "Elsie", "Farid", "Greta", "Hugo", "Iris", "Jack", "Kaya", "Leon", "Maya"),
    *("Noah", "Orla", "Piotr", "Rosa"),
)
_ODD: Final = (
    ("sensitive", "PATIENT_ERROR (422): the record is sensitive (S-flag)", 3),
    ("died", "PATIENT_ERROR (422): the patient has died", 3),
    ("no practice", "NO_REG_GP_PRACTICE (422): no practice is registered", 2),
)
"""The odd patients at the end: what is odd, the error that a new referral provokes, and how many there are."""


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A test pack: its environment and its seed number. `made` is true once the environment has it whole."""

    environment: str
    seed: int
    by: str = ""
    made: bool = False
    refusal: str = ""


class Record(NamedTuple):
    """A record of the pack: its resource in the administration of the environment, its key and itself."""

    resource: str
    key: str
    value: dict[str, Any]


class Odd(NamedTuple):
    """A patient with the error that it provokes."""

    nhs_number: str
    provokes: str


def records(seed: int) -> Sequence[Record]:
    """Return all records of a pack, in the order in which an environment takes them."""
    return [
        *(Record("organisations", each["ods"], each) for each in organisations(seed)),
        *(Record("sites", each["ods"], each) for each in sites(seed)),
        *(Record("patients", each["nhs_number"], each) for each in patients(seed)),
        *(Record("people", each["id"], each) for each in people(seed)),
        *(Record("services", each["id"], each) for each in services(seed)),
    ]


def practice(seed: int) -> str:
    """Return the ODS code of the practice."""
    return f"TP{seed:04d}"


def trust(seed: int) -> str:
    """Return the ODS code of the hospital."""
    return f"TT{seed:04d}"


def organisations(seed: int) -> list[dict[str, Any]]:
    """Return a practice and a hospital."""
    name = _pick(_FAMILY, seed)
    return [
        {"ods": practice(seed), "name": f"{name} Surgery", "kind": "GP_PRACTICE", "postcode": _POSTCODE},
        {"ods": trust(seed), "name": f"{name} Hospitals", "kind": "PROVIDER", "postcode": _POSTCODE},
    ]


def sites(seed: int) -> list[dict[str, Any]]:
    """Return two sites of the hospital."""
    return [
        {"ods": f"{trust(seed)}{each}", "organisation": trust(seed), "name": f"Site {each}", "postcode": _POSTCODE}
        for each in "AB"
    ]


def people(seed: int) -> list[dict[str, Any]]:
    """Return twelve people: each business function, one person without a role, one at two organisations."""
    here, there = practice(seed), trust(seed)
    rows: tuple[tuple[tuple[str, str], ...], ...] = (
        ((here, "REFERRING_CLINICIAN"),),
        ((here, "REFERRING_CLINICIAN"),),
        ((here, "REFERRING_CLINICIAN_ADMIN"),),
        ((here, "REFERRING_ADMIN"),),
        ((there, "SERVICE_PROVIDER_CLINICIAN"),),
        ((there, "SERVICE_PROVIDER_CLINICIAN"),),
        ((there, "SERVICE_PROVIDER_CLINICIAN_ADMIN"),),
        ((there, "SERVICE_PROVIDER_ADMIN"),),
        ((there, "SERVICE_DEFINER"),),
        ((there, "INFORMATION_ANALYST"),),
        ((here, "REFERRING_CLINICIAN_ADMIN"), (there, "SERVICE_PROVIDER_CLINICIAN_ADMIN")),
        (),
    )
    return [
        {
            "id": f"5558{seed:04d}{number:04d}",
            "name": f"{_pick(_GIVEN, seed + number)} {_pick(_FAMILY, 3 * seed + 5 * number)}",
            "roles": [{"organisation": ods, "functions": [function]} for ods, function in roles],
            "workgroups": [workgroup(seed)] if any(ods == there for ods, _ in roles) else [],
        }
        for number, roles in enumerate(rows, 1)
    ]


def workgroup(seed: int) -> str:
    """Return the workgroup whose referrals the hospital's people see."""
    return f"{trust(seed)}/Cardiology"


def services(seed: int) -> list[dict[str, Any]]:
    """Return five services: directly and indirectly booked ones, one for triage and one for advice."""
    rows = (
        ("Heart clinic, booked in its PAS", "APPOINTMENT_REQUEST", "DIRECTLY_BOOKABLE", "FIRST_OUTPATIENT"),
        ("Heart clinic without slots", "APPOINTMENT_REQUEST", "DIRECTLY_BOOKABLE", "FIRST_OUTPATIENT"),
        ("Heart clinic, booked by telephone", "APPOINTMENT_REQUEST", "INDIRECTLY_BOOKABLE", "FIRST_OUTPATIENT"),
        ("Heart referrals, triaged first", "TRIAGE_REQUEST", "UNSPECIFIED", None),
        ("Advice on hearts", "ADVICE_AND_GUIDANCE_REQUEST", "UNSPECIFIED", None),
    )
    return [
        {
            "id": f"95{seed:04d}{number:02d}",
            "name": f"{name} {seed}",
            "organisation": trust(seed),
            "site": f"{trust(seed)}A",
            "location_name": "Site A",
            "postcode": _POSTCODE,
            "workgroup": workgroup(seed),
            "clinic_types": [list(_TYPE)],
            "flows": [flow],
            "bookable": bookable,
            "appointment_type": kind,
            "letter_required": False,
        }
        for number, (name, flow, bookable, kind) in enumerate(rows, 1)
    ]


def patients(seed: int) -> list[dict[str, Any]]:
    """Return 150 patients; the last ones are odd."""
    made = [_patient(seed, number, nhs) for number, nhs in zip(range(PATIENTS), _nhs_numbers(seed), strict=False)]
    for patient, (kind, _) in zip(reversed(made), _odd_kinds(), strict=False):
        if kind == "sensitive":
            patient["sensitive"] = True
        elif kind == "died":
            patient["died"] = (date.fromisoformat(patient["born"]) + _DIED_AFTER).isoformat()
        else:
            patient["practice"] = None
    return made


def odd(seed: int) -> Sequence[Odd]:
    """Return the odd patients, each with the error that it provokes."""
    rows = zip(reversed(patients(seed)), _odd_kinds(), strict=False)
    return [Odd(patient["nhs_number"], told) for patient, (_, told) in rows]


def _odd_kinds() -> Iterator[tuple[str, str]]:
    for kind, told, count in _ODD:
        for _ in range(count):
            yield kind, told


def _patient(seed: int, number: int, nhs_number: str) -> dict[str, Any]:
    turned = (PATIENTS - number) * 37 % PATIENTS  # so that the odd ones at the end were born long ago and lately
    return {
        "nhs_number": nhs_number,
        "family_name": _pick(_FAMILY, seed + number),
        "given_name": _pick(_GIVEN, 2 * seed + 3 * number),
        "born": (_FIRST_BORN + turned * _BORN_APART).isoformat(),
        "sex": ("female", "male")[number % 2],
        "postcode": _POSTCODE,
        "address": [f"{number + 1} Mill Lane", "Leeds"],
        "practice": practice(seed),
        "sensitive": False,
        "died": None,
    }


def _nhs_numbers(seed: int) -> Iterator[str]:
    for number in range(seed * NUMBERS, (seed + 1) * NUMBERS):
        nine = f"999{number:06d}"
        rest = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
        digit = (11 - rest) % 11
        if digit < 10:
            yield f"{nine}{digit}"


def _pick(names: Sequence[str], number: int) -> str:
    return names[number % len(names)]
