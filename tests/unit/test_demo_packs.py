"""Faults in a pack are reported with their place; generated crowds are repeatable."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.identifiers import NhsNumber, OdsCode
from openers.worlds.packs import PackError, parse_pack, read_pack
from openers.worlds.packs.people import AGES, Crowd, check_digit, generate

HEAD = 'name = "trial"\ntitle = "For trial"\nday = 2026-11-23\n'
ORGANISATION = '[[organisations]]\nods = "RX1"\nname = "A"\nkind = "PROVIDER"\npostcode = "LS1 4EY"\n'
SERVICE = """
[[services]]
id = "1"
name = "Clinic"
organisation = "RX1"
site = "RX101"
workgroup = "RX2/Heart"
location_name = "There"
postcode = "LS1 4EY"
clinic_types = []
flows = ["APPOINTMENT_REQUEST"]
bookable = "UNSPECIFIED"
clinicians = ["555000000001"]
"""


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("title = \n", ["line 4"]),
        ("colour = 1", ["colour"]),
        ('[[sites]]\nods = "r"\norganisation = "RX1"\nname = "S"\npostcode = "LS1 4EY"', ["$.sites[0].ods", "capital"]),
        (ORGANISATION.replace("LS1 4EY", "Leeds"), ["$.organisations[0].postcode", "full postcode"]),
        (ORGANISATION.replace("PROVIDER", "HOSPITAL"), ["$.organisations[0].kind", "HOSPITAL"]),
        (ORGANISATION + 'colour = "red"', ["$.organisations[0]", "colour"]),
        (ORGANISATION * 2, ["$.organisations", "RX1 occurs 2 times"]),
        (
            ORGANISATION + SERVICE,
            [
                "$.services[0].clinic_types",
                "$.services[0].site: RX1 has no site RX101",
                "$.services[0].workgroup: RX2/Heart",
                "$.services[0].clinicians: there is no user 555000000001",
            ],
        ),
        ('[[applications]]\nclient_id = "a"\nname = "A"\nmode = "user-restricted"\nkey = "no"', ["keys/no.json"]),
        ('[crowd]\nseed = 1\ncount = 1\npractices = ["A1"]', ["$.crowd.practices: there is no organisation A1"]),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, complaints: list[str]) -> None:
    with pytest.raises(PackError) as raised:
        parse_pack("trial", HEAD + text)
    said = str(raised.value)
    assert [complaint for complaint in complaints if complaint not in said] == []


def test_an_unknown_pack_is_refused_with_the_known_names() -> None:
    with pytest.raises(PackError, match="demo"):
        read_pack("../demo")


@given(seed=st.integers(0, 2**32), day=st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_a_crowd_is_repeatable_and_of_the_ages_asked_for(seed: int, day: date) -> None:
    crowd = Crowd(seed, 14, (OdsCode("D82106"),))
    patients = generate(crowd, day)
    assert patients == generate(crowd, day)
    assert len({each.nhs_number for each in patients}) == 14
    for index, each in enumerate(patients):
        youngest, oldest = AGES[index % len(AGES)]
        assert youngest <= each.age_years(day) <= oldest
        assert each.born <= day


def test_numbers_that_are_taken_are_left_out() -> None:
    crowd = Crowd(1, 3, (OdsCode("D82106"),))
    first = generate(crowd, date(2026, 11, 23))[0].nhs_number
    again = generate(crowd, date(2026, 11, 23), {first})
    assert first not in {each.nhs_number for each in again}


@pytest.mark.parametrize(("number"), ["9434765919", "4010232137", "9990000018"])
def test_check_digits_of_nhs_numbers(number: str) -> None:
    assert check_digit(NhsNumber(number)[:9]) == number[9]


def test_some_nine_digits_begin_no_nhs_number() -> None:
    assert check_digit("999000000") is None
