"""Malformed requests: each is refused with its code, its place and a cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.wire_values import (
    BY,
    REMOVED,
    SD,
    changed,
    create_body,
    search_body,
)

from openers.domain.principal import Principal
from openers.wire.json import (
    BadCode,
    BadStructure,
    BadValue,
    JsonValue,
    MissingField,
    UnexpectedField,
    Unreadable,
)
from openers.wire.outcome import diagnostics_of
from openers.wire.stu3.create_referral import read_create_referral
from openers.wire.stu3.search import read_search_services

BOX = "parameter/0/resource"
CRITERIA = f"{BOX}/contained/0/parameter"
PLACE = "parameter[0]/resource"
INNER = f"{PLACE}/contained[0]/parameter"
REFERENCE = f"{PLACE}/extension[0]/valueReference/reference"
PATIENT = "parameter[1]/valueIdentifier"
DAYS = "parameter[3]/valueUnsignedInt"
UNRESOLVED = "must be # and the id of the contained search criteria"
ONE_IDENTIFIER = "needs exactly one value, a valueIdentifier"
MALFORMED: list[tuple[str, object, type[Unreadable], str, str]] = [
    # The changed place and its new value; the refusal, its place and its text.
    ("resourceType", REMOVED, BadStructure, "resourceType", "is required"),
    ("resourceType", "List", BadValue, "resourceType", "must be Parameters"),
    ("resourceType", 1, BadValue, "resourceType", "must be a string"),
    ("meta", REMOVED, BadStructure, "meta", "is required"),
    ("meta", [], BadStructure, "meta", "must be an object"),
    ("meta/profile", REMOVED, BadStructure, "meta/profile", "is required"),
    ("meta/profile", [], BadStructure, "meta/profile", "is required"),
    ("meta/profile", "x", BadStructure, "meta/profile", "must be an array"),
    ("meta/profile/0", None, BadStructure, "meta/profile[0]", "must be a string"),
    ("meta/profile/0", "x", BadValue, "meta/profile", f"must hold {SD}eRS-CreateReferral-Parameters-1"),
    ("meta/tag", [], UnexpectedField, "meta/tag", "unknown element"),
    ("id", None, BadStructure, "id", "must not be null"),
    ("id", 7, BadValue, "id", "must be a string"),
    ("extra", 1, UnexpectedField, "extra", "unknown element"),
    ("parameter", REMOVED, BadStructure, "parameter", "is required"),
    ("parameter", {}, BadStructure, "parameter", "must be an array"),
    ("parameter", [], MissingField, "", "is missing."),
    ("parameter/1", None, BadStructure, "parameter[1]", "must be an object"),
    ("parameter/1", "x", BadStructure, "parameter[1]", "must be an object"),
    ("parameter/1/name", REMOVED, BadStructure, "parameter[1]/name", "is required"),
    ("parameter/1/name", 3, BadValue, "parameter[1]/name", "must be a string"),
    ("parameter/1/name", "Patient", UnexpectedField, "parameter[1]", "unknown parameter name"),
    ("parameter/1/name", "shortlist", BadStructure, "parameter[1]", "needs exactly one value, a resource"),
    ("parameter/1/note", "x", UnexpectedField, "parameter[1]/note", "unknown element"),
    ("parameter/1/id", None, BadStructure, "parameter[1]/id", "must not be null"),
    ("parameter/1/valueString", "x", BadStructure, "parameter[1]", ONE_IDENTIFIER),
    (
        "parameter/1/valueIdentifier",
        REMOVED,
        BadStructure,
        "parameter[1]",
        ONE_IDENTIFIER,
    ),
    ("parameter/1/valueIdentifier", None, BadStructure, PATIENT, "must be an object"),
    ("parameter/1/valueIdentifier", "x", BadStructure, PATIENT, "must be an object"),
    ("parameter/1/valueIdentifier/system", REMOVED, BadStructure, f"{PATIENT}/system", "is required"),
    (
        "parameter/1/valueIdentifier/system",
        "urn:x",
        BadValue,
        f"{PATIENT}/system",
        "must be http://fhir.nhs.net/Id/nhs-number",
    ),
    ("parameter/1/valueIdentifier/value", REMOVED, BadStructure, f"{PATIENT}/value", "is required"),
    ("parameter/1/valueIdentifier/value", "", BadValue, f"{PATIENT}/value", "must not be empty"),
    ("parameter/1/valueIdentifier/value", 999, BadValue, f"{PATIENT}/value", "must be a string"),
    ("parameter/1/valueIdentifier/value", "123", BadValue, f"{PATIENT}/value", "must be 10 digits"),
    (
        "parameter/1/valueIdentifier/value",
        "\uff11" * 10,
        BadValue,
        f"{PATIENT}/value",
        "must be 10 digits",
    ),
    ("parameter/1/valueIdentifier/code", "x", UnexpectedField, f"{PATIENT}/code", "unknown element"),
    (
        "parameter/2/valueCoding/code",
        "LATER",
        BadCode,
        "parameter[2]/valueCoding/code",
        "must be one of NEED_TO_ADD_LATER, NOT_INTENDING_TO_ADD",
    ),
    ("parameter/3/valueUnsignedInt", -1, BadValue, DAYS, "must be between 0 and 2147483647"),
    (
        "parameter/3/valueUnsignedInt",
        2**31,
        BadValue,
        DAYS,
        "must be between 0 and 2147483647",
    ),
    ("parameter/3/valueUnsignedInt", True, BadValue, DAYS, "must be a whole number"),
    ("parameter/3/valueUnsignedInt", 1.5, BadValue, DAYS, "must be a whole number"),
    ("parameter/3/valueUnsignedInt", "1", BadValue, DAYS, "must be a whole number"),
    ("parameter/3/valueUnsignedInt", [1], BadStructure, DAYS, "must be a whole number"),
    (BOX, [], BadStructure, PLACE, "must be a resource"),
    (f"{BOX}/resourceType", "Bundle", BadValue, f"{PLACE}/resourceType", "must be List"),
    (f"{BOX}/status", REMOVED, BadStructure, f"{PLACE}/status", "is required"),
    (f"{BOX}/status", "retired", BadValue, f"{PLACE}/status", "must be current"),
    (f"{BOX}/mode", "working", BadValue, f"{PLACE}/mode", "must be snapshot"),
    (f"{BOX}/title", "x", UnexpectedField, f"{PLACE}/title", "unknown element"),
    (f"{BOX}/extension", REMOVED, MissingField, PLACE, "is missing."),
    (f"{BOX}/extension/0/url", "urn:x", UnexpectedField, f"{PLACE}/extension[0]", "unknown extension"),
    (
        f"{BOX}/extension/0/valueReference",
        {},
        BadStructure,
        REFERENCE,
        "is required",
    ),
    (
        f"{BOX}/extension/0/valueReference/reference",
        "#c2",
        BadValue,
        REFERENCE,
        UNRESOLVED,
    ),
    (
        f"{BOX}/contained",
        REMOVED,
        BadValue,
        REFERENCE,
        UNRESOLVED,
    ),
    (
        f"{BOX}/contained",
        [{}, {}],
        BadStructure,
        f"{PLACE}/contained[1]",
        "must hold the search criteria and nothing else",
    ),
    (f"{BOX}/entry", {}, BadStructure, f"{PLACE}/entry", "must be an array"),
    (f"{BOX}/entry/1/item", REMOVED, BadStructure, f"{PLACE}/entry[1]/item", "is required"),
    (f"{BOX}/entry/1/flag", {}, UnexpectedField, f"{PLACE}/entry[1]/flag", "unknown element"),
    (
        f"{BOX}/entry/1/item/identifier",
        REMOVED,
        BadStructure,
        f"{PLACE}/entry[1]/item/identifier",
        "is required",
    ),
    (
        f"{BOX}/entry/1/item/identifier/value",
        "first",
        BadValue,
        f"{PLACE}/entry[1]/item/identifier/value",
        "must be a number of up to 12 digits",
    ),
    (
        f"{CRITERIA}/3/valueBoolean",
        "true",
        BadValue,
        f"{INNER}[3]/valueBoolean",
        "must be true or false",
    ),
    (
        f"{CRITERIA}/3/valueBoolean",
        1,
        BadValue,
        f"{INNER}[3]/valueBoolean",
        "must be true or false",
    ),
    (
        f"{CRITERIA}/0",
        {"name": "place", "valueString": "x"},
        UnexpectedField,
        f"{INNER}[0]",
        "unknown parameter name",
    ),
    (
        f"{CRITERIA}/0",
        {"name": "postcode", "valueString": "nowhere"},
        BadValue,
        f"{INNER}[0]/valueString",
        "must be a full postcode such as LS1 4AP",
    ),
    (
        f"{CRITERIA}/0",
        {"name": "postcode", "valueString": "x" * 21},
        BadValue,
        f"{INNER}[0]/valueString",
        "must not be longer than 20 characters",
    ),
    (f"{CRITERIA}", [], MissingField, f"{PLACE}/contained[0]", "is missing."),
]


@pytest.mark.parametrize(("where", "value", "kind", "path", "words"), MALFORMED)
def test_a_malformed_request_is_refused_with_its_place(
    where: str, value: object, kind: type[Unreadable], path: str, words: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        read_create_referral(changed(create_body(), where, value), BY)
    assert (type(refused.value), refused.value.path, refused.value.hint) == (kind, path, words)


@pytest.mark.parametrize(
    ("body", "read", "missing"),
    [
        *(
            (search_body(), read_search_services, name)
            for name in ("requestType", "sortBy", "patient", "searchCriteria")
        ),
        *(
            (create_body(), read_create_referral, name)
            for name in (
                "patient",
                "shortlist",
                "intentionToAddReferralLetter",
                "firstReminderLetterFollowUpDays",
            )
        ),
    ],
)
def test_a_missing_parameter_is_named(
    body: dict[str, Any], read: Callable[[JsonValue, Principal], object], missing: str
) -> None:
    body["parameter"] = [each for each in body["parameter"] if each["name"] != missing]
    with pytest.raises(MissingField) as refused:
        read(body, BY)
    assert diagnostics_of(refused.value) == f"'{missing}' is missing."


def test_a_parameter_is_allowed_once() -> None:
    body = create_body()
    body["parameter"].append(body["parameter"][1])
    with pytest.raises(BadStructure) as refused:
        read_create_referral(body, BY)
    assert diagnostics_of(refused.value) == "'parameter[4]' (patient) is allowed once"


def test_two_criteria_extensions_are_one_too_many() -> None:
    body = create_body()
    extensions = body["parameter"][0]["resource"]["extension"]
    extensions.append(extensions[0])
    with pytest.raises(BadStructure) as refused:
        read_create_referral(body, BY)
    assert refused.value.path == "parameter[0]/resource/extension[1]"
