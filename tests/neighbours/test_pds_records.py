"""What is read in a Patient of PDS: the parts of today, and of a restricted record nothing that reveals a place."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.identifiers import OdsCode, Postcode
from openers.domain.patient import Patient, Sex
from openers.neighbours.pds_patient import Unreadable, codes_of, read_found, read_patient
from openers.usecases.ports.neighbours import FoundInPds, KnownPatient, NoPatient

TODAY: Final = date(2026, 11, 30)
PAST: Final = {"start": "2001-01-01", "end": "2020-12-31"}
PRESENT: Final = {"start": "2021-01-01"}
FUTURE: Final = {"start": "2027-01-01"}


def patient(**changes: Any) -> dict[str, Any]:
    """Return a Patient; `None` removes an element."""
    whole = {
        "resourceType": "Patient",
        "id": "9990000042",
        "meta": {"versionId": "7", "security": [{"code": "U"}]},
        "name": [{"use": "usual", "family": "Adder", "given": ["Ann", "Bea"]}],
        "gender": "female",
        "birthDate": "1980-02-29",
        "generalPractitioner": [{"identifier": {"value": "D82106", "period": PRESENT}}],
        "address": [{"use": "home", "line": ["1 Lane", "", "Leeds"], "postalCode": "LS1 4AP"}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def read(**changes: Any) -> Patient:
    """Return the patient that is read."""
    known = read_patient(json.dumps(patient(**changes)).encode(), TODAY)
    assert isinstance(known, KnownPatient)
    return known.patient


def test_a_whole_record_is_read() -> None:
    known = read_patient(json.dumps(patient()).encode(), TODAY)
    assert isinstance(known, KnownPatient)
    assert known.version == "7"
    one = known.patient
    assert (one.family_name, one.given_name, one.born, one.sex) == ("Adder", "Ann", date(1980, 2, 29), Sex.FEMALE)
    assert (one.address, one.postcode, one.practice) == (("1 Lane", "Leeds"), Postcode("LS1 4AP"), OdsCode("D82106"))
    assert (one.sensitive, one.died) == (False, None)


@pytest.mark.parametrize("security", [[{"code": "R"}], [{"code": "V"}], [{"code": "U"}, {"code": "R"}], [], None])
def test_a_record_is_sensitive_unless_it_is_marked_as_unrestricted(security: list[dict[str, str]] | None) -> None:
    meta = {"versionId": "1"} if security is None else {"versionId": "1", "security": security}
    one = read(meta=meta)
    assert (one.sensitive, one.address, one.postcode, one.practice) == (True, (), None, None)


ROWS: Final[list[tuple[dict[str, Any], str, object]]] = [
    ({"name": [{"family": "Old", "period": PAST}, {"family": "New", "period": PRESENT}]}, "family_name", "New"),
    ({"name": [{"use": "nickname", "family": "B"}, {"use": "usual", "family": "A"}]}, "family_name", "A"),
    ({"name": [{"use": "usual", "family": "A\u0000b"}]}, "family_name", "Ab"),
    ({"birthDate": "1980"}, "born", date(1980, 1, 1)),
    ({"birthDate": "1980-05"}, "born", date(1980, 5, 1)),
    ({"deceasedDateTime": "2026-08-15T10:00:00+00:00"}, "died", date(2026, 8, 15)),
    ({"deceasedDateTime": "2026"}, "died", date(2026, 1, 1)),
    ({"gender": "woman"}, "sex", Sex.UNKNOWN),
    ({"gender": None}, "sex", Sex.UNKNOWN),
    ({"generalPractitioner": [{"identifier": {"value": "D82106", "period": PAST}}]}, "practice", None),
    ({"generalPractitioner": [{"identifier": {"value": "D82106", "period": FUTURE}}]}, "practice", None),
    ({"generalPractitioner": [{"identifier": {"value": "not a code"}}]}, "practice", None),
    ({"address": [{"use": "temp", "line": ["2 Lane"]}]}, "address", ()),
    ({"address": [{"use": "home", "line": ["2 Lane"], "period": PAST}]}, "address", ()),
    ({"address": [{"use": "home", "postalCode": "ZZ99"}]}, "postcode", None),
    ({"extension": [{"url": "x"}], "multipleBirthInteger": 1}, "family_name", "Adder"),
]


@pytest.mark.parametrize(("changes", "field", "expected"), ROWS)
def test_parts_of_a_record(changes: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(read(**changes), field) == expected


@pytest.mark.parametrize("changes", [{"name": None}, {"name": [{"use": "usual"}]}, {"birthDate": None}])
def test_a_record_without_name_or_birth_date_cannot_be_used(changes: dict[str, Any]) -> None:
    assert read_patient(json.dumps(patient(**changes)).encode(), TODAY) == NoPatient()


@pytest.mark.parametrize(
    "changes", [{"id": "1"}, {"id": None}, {"birthDate": "soon"}, {"resourceType": "Person"}, {"name": "Adder"}]
)
def test_anything_else_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_patient(json.dumps(patient(**changes)).encode(), TODAY)


def test_a_search_is_read() -> None:
    def _bundle(*found: dict[str, Any]) -> bytes:
        return json.dumps(
            {"resourceType": "Bundle", "total": 1, "entry": [{"resource": each} for each in found]}
        ).encode()

    one = read_found(_bundle(patient(), patient(name=None)), TODAY)
    assert ([each.patient.family_name for each in one.patients], one.complete) == (["Adder"], True)
    assert read_found(_bundle(), TODAY) == FoundInPds([], complete=True)
    too_many = {"resourceType": "OperationOutcome", "issue": [{"details": {"coding": [{"code": "TOO_MANY_MATCHES"}]}}]}
    assert read_found(json.dumps(too_many).encode(), TODAY) == FoundInPds((), complete=False)
    with pytest.raises(Unreadable):
        read_found(b'{"resourceType": "OperationOutcome"}', TODAY)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["resourceType", "id", "meta", "name", "birthDate", "entry", "issue", "address"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_reply_breaks_the_reader(body: bytes) -> None:
    """Each reply is read or is `Unreadable`."""
    for reader in (read_patient, read_found):
        try:
            reader(body, TODAY)
        except Unreadable:
            continue
    codes_of(body)
