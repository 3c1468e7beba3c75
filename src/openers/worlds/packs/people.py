"""Generate a crowd of invented patients: identical for the same seed and day on each machine.

Their NHS numbers begin with 999, which is never issued, and have a correct check digit. `worlds.packs` calls it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from random import Random
from typing import Annotated, Final

import msgspec

from openers.domain.identifiers import NhsNumber, OdsCode, Postcode
from openers.domain.patient import Patient, Sex
from openers.system import repeatable

FAMILY_NAMES: Final = (
    *("Ackroyd", "Adebayo", "Barraclough", "Begum", "Chowdhury", "Clegg", "Dyson", "Eze", "Firth", "Greenwood"),
    *("Hussain", "Illingworth", "Jagger", "Kowalski", "Lister", "Mensah", "Nutter", "Oldroyd", "Patel", "Quarmby"),
    *("Rahman", "Sutcliffe", "Thackray", "Umar", "Varley", "Wojcik", "Xu", "Yeadon"),
)
GIVEN_NAMES: Final = {
    Sex.FEMALE: ("Aisha", "Beatrice", "Chloe", "Dorota", "Edith", "Fatima", "Grace", "Hannah", "Ines", "Joan"),
    Sex.MALE: ("Adam", "Bilal", "Colin", "Dawid", "Elijah", "Frank", "George", "Hamza", "Isaac", "Kwame"),
}
STREETS: Final = ("Beck Lane", "Chapel Street", "Foundry Row", "Grange Avenue", "Mill Hill", "Station Road")
PLACES: Final = (
    *(("LS1 2NG", "Leeds"), ("LS1 4EE", "Leeds"), ("LS2 9JL", "Leeds"), ("LS4 2TY", "Leeds"), ("LS6 3JL", "Leeds")),
    *(("LS7 4BH", "Leeds"), ("LS8 2AP", "Leeds"), ("LS9 7TB", "Leeds"), ("LS11 5ER", "Leeds"), ("LS12 4RR", "Leeds")),
    *(("LS16 6FZ", "Leeds"), ("LS18 5LZ", "Horsforth"), ("LS21 3LX", "Otley"), ("LS28 7QZ", "Pudsey")),
    *(("HG1 1AE", "Harrogate"), ("YO1 0EL", "York"), ("BR1 1AF", "Bromley")),
)
AGES: Final = ((0, 4), (5, 15), (16, 17), (18, 39), (40, 64), (65, 79), (80, 99))
"""Age ranges in whole years, both ends included. Patients take them in turn, so each crowd has all ages."""
LARGEST_DIGIT: Final = 9
"""A number whose check digit would be ten is not a valid NHS number."""


LARGEST_CROWD: Final = 100_000
"""Maximum generated patients: about 900,000 numbers begin with 999."""


class Crowd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of patients to generate, their seed, and the practices to which they are assigned in turn."""

    seed: int
    count: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_CROWD)]
    practices: Annotated[tuple[OdsCode, ...], msgspec.Meta(min_length=1)]


def generate(crowd: Crowd, day: date, taken: Collection[NhsNumber] = ()) -> tuple[Patient, ...]:
    """Return the crowd as on `day`, without the NHS numbers `taken`."""
    random = repeatable(crowd.seed)
    used = set(taken)
    patients: list[Patient] = []
    for index in range(crowd.count):
        number = _unused_number(random, used)
        used.add(number)
        sex = (Sex.FEMALE, Sex.MALE)[index % 2]
        postcode, town = random.choice(PLACES)
        patients.append(
            Patient(
                nhs_number=number,
                family_name=random.choice(FAMILY_NAMES),
                given_name=random.choice(GIVEN_NAMES[sex]),
                born=_birthday(random, AGES[index % len(AGES)], day),
                sex=sex,
                postcode=Postcode(postcode),
                address=(f"{random.randint(1, 120)} {random.choice(STREETS)}", town),
                practice=crowd.practices[index % len(crowd.practices)],
            )
        )
    return tuple(patients)


def check_digit(nine: str) -> str | None:
    """Return the tenth digit of the NHS number with these nine; `None` if there is no such number (modulus 11)."""
    rest = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
    digit = (11 - rest) % 11
    return None if digit > LARGEST_DIGIT else str(digit)


def _unused_number(random: Random, used: Collection[NhsNumber]) -> NhsNumber:
    while True:
        nine = f"999{random.randrange(10**6):06d}"
        digit = check_digit(nine)
        if digit is not None and (number := NhsNumber(nine + digit)) not in used:
            return number


def _birthday(random: Random, ages: tuple[int, int], day: date) -> date:
    """Return a random date of birth for an age on `day` within `ages`."""
    youngest, oldest = ages
    first = _years_before(day, oldest + 1) + timedelta(days=1)
    last = _years_before(day, youngest)
    return first + timedelta(days=random.randint(0, (last - first).days))


def _years_before(day: date, years: int) -> date:
    """Return the same day of an earlier year, with 28 February for 29 February."""
    return date(day.year - years, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)
