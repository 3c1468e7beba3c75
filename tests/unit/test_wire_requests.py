"""What callers send: read into commands, or refused with code, place and words."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire_values import BY, CS, SD, create_body, criteria_body, pair, search_body, shortlist_body

from openers.domain.codes import (
    CommissioningProvisioning,
    LetterIntention,
    Priority,
    RequestType,
    SortBy,
)
from openers.domain.principal import Principal
from openers.domain.search import SearchCriteria
from openers.wire.json import (
    BadCode,
    BadStructure,
    BadValue,
    JsonValue,
    MissingField,
    UnexpectedField,
    Unreadable,
    parse,
)
from openers.wire.outcome import diagnostics_of
from openers.wire.stu3.create_referral import read_create_referral, read_create_referral_for_triage
from openers.wire.stu3.search import read_search_services

READERS: list[Callable[[JsonValue, Principal], object]] = [
    read_search_services,
    read_create_referral,
    read_create_referral_for_triage,
]
URGENT = SearchCriteria(
    priority=Priority.URGENT, age_and_gender_appropriate=True, specialty="UROLOGY", clinic_type="STONES"
)


def add(body: dict[str, Any], name: str, **value: object) -> dict[str, Any]:
    """`body` with one more parameter."""
    body["parameter"].append({"name": name, **value})
    return body


def test_a_search_becomes_a_command() -> None:
    read = read_search_services(search_body(), BY)
    assert read.by is BY
    assert (read.request_type, read.sort_by) == (RequestType.APPOINTMENT_REQUEST, SortBy.DISTANCE)
    assert (read.patient, read.criteria) == ("9990000042", URGENT)
    assert (read.referring_clinician, read.rule_organisation) == (None, None)


def test_a_search_with_everything_becomes_a_command() -> None:
    body = search_body()
    add(body, "referringClinician", valueIdentifier=pair("http://fhir.nhs.net/Id/sds-user-id", "value", "555000000009"))
    ods = pair("https://fhir.nhs.uk/Id/ods-organization-code", "value", "A81001")
    add(body, "commissioningRuleOrganisation", valueIdentifier=ods)
    criteria = body["parameter"][3]["resource"]
    add(criteria, "indicativeAppointmentWaitTimeLimit", valueUnsignedInt=30)
    add(criteria, "postcode", valueString="ls14ap")
    add(criteria, "distanceLimit", valueUnsignedInt=0)
    add(criteria, "clinicalTerm", valueCoding=pair("http://snomed.info/sct", "code", "95570007"))
    add(criteria, "namedClinician", valueIdentifier=pair("http://fhir.nhs.net/Id/sds-user-id", "value", "555000000008"))
    directory = "https://directory.spineservices.nhs.uk/STU3/Organization"
    add(criteria, "organisation", valueIdentifier=pair(directory, "value", "RXX"))
    read = read_search_services(body, BY)
    assert (read.referring_clinician, read.rule_organisation) == ("555000000009", "A81001")
    found = read.criteria
    assert (found.wait_limit_days, found.postcode, found.distance_limit_miles) == (30, "LS1 4AP", 0)
    assert (found.clinical_term, found.named_clinician, found.organisation) == ("95570007", "555000000008", "RXX")


@pytest.mark.parametrize(
    "system",
    ["_baseUrl_/STU3/CodeSystem/SPECIALTY", "https://any.example/FHIR/STU3/CodeSystem/SPECIALTY"],
)
def test_a_dynamic_code_system_may_have_any_address(system: str) -> None:
    body = search_body()
    body["parameter"][3]["resource"]["parameter"][1]["valueCoding"]["system"] = system
    assert read_search_services(body, BY).criteria == URGENT


@pytest.mark.parametrize("code", list(CommissioningProvisioning))
def test_the_provisioning_sent_is_checked_and_ignored(code: str) -> None:
    body = search_body()
    coding = pair(f"{CS}eRS-CommissioningProvisioning-1", "code", code)
    add(body["parameter"][3]["resource"], "commissioningProvisioning", valueCoding=coding)
    assert read_search_services(body, BY).criteria == URGENT


def test_what_fhir_allows_everywhere_is_tolerated() -> None:
    body = search_body()
    body |= {"id": "x", "language": "en"}
    body["meta"] |= {"lastUpdated": "2031-02-03T04:05:06.789Z", "versionId": "1"}
    body["parameter"][0] |= {"id": "p1"}
    body["parameter"][0]["valueCoding"] |= {"id": "c1", "display": "Appointment"}
    body["meta"]["profile"].insert(0, "https://another.example/profile")
    assert read_search_services(body, BY).criteria == URGENT


def test_a_new_referral_becomes_a_command() -> None:
    read = read_create_referral(
        add(create_body(), "eReferralPathwayStart", valueInstant="2031-01-02T01:00:00+01:00"), BY
    )
    assert (read.patient, read.criteria, read.services) == ("9990000042", URGENT, ("501", "502"))
    assert (read.letter_intention, read.reminder_days) == (LetterIntention.NEED_TO_ADD_LATER, 7)
    assert read.pathway_start == datetime(2031, 1, 2, tzinfo=UTC)
    assert read.referring_clinician is None
    assert not read.send_for_triage


def test_a_referral_for_triage_is_the_same_command_that_says_so() -> None:
    body = create_body("eRS-CreateReferralAndSendForTriage-Parameters-1")
    assert read_create_referral_for_triage(body, BY) == msgspec.structs.replace(
        read_create_referral(create_body(), BY), send_for_triage=True
    )


def test_a_referral_for_triage_knows_no_pathway_start() -> None:
    body = create_body("eRS-CreateReferralAndSendForTriage-Parameters-1")
    add(body, "eReferralPathwayStart", valueInstant="2031-01-02T01:00:00Z")
    with pytest.raises(UnexpectedField):
        read_create_referral_for_triage(body, BY)


@pytest.mark.parametrize("entries", [None, []])
def test_how_many_services_there_are_is_left_to_the_domain(entries: list[object] | None) -> None:
    body = create_body()
    shortlist = body["parameter"][0]["resource"]
    shortlist.pop("entry")
    if entries is not None:
        shortlist["entry"] = entries
    assert read_create_referral(body, BY).services == ()


def test_the_published_words_for_an_unknown_parameter() -> None:
    body = create_body()
    body["parameter"][0]["resource"]["contained"][0]["parameter"][1] = {"name": "unknownParameter", "valueString": "x"}
    with pytest.raises(UnexpectedField) as refused:
        read_create_referral(body, BY)
    words = "'parameter[0]/resource/contained[0]/parameter[1]' (unknownParameter) unknown parameter name"
    assert diagnostics_of(refused.value) == words


REMOVED = object()
BOX = "parameter/0/resource"
MALFORMED: list[tuple[str, object, type[Unreadable], str, str]] = [
    # Where it is changed, to what; the refusal, its place and its words.
    ("resourceType", REMOVED, BadStructure, "resourceType", "is required"),
    ("resourceType", "List", BadValue, "resourceType", "must be Parameters"),
    ("resourceType", 1, BadValue, "resourceType", "must be a string"),
    ("meta", REMOVED, BadStructure, "meta", "is required"),
    ("meta", [], BadStructure, "meta", "must be an object"),
    ("meta/profile", REMOVED, BadStructure, "meta/profile", "is required"),
    ("meta/profile", [], BadStructure, "meta/profile", "is required"),
    ("meta/profile", "x", BadStructure, "meta/profile", "must be an array"),
    ("meta/profile/0", None, BadStructure, "meta/profile[0]", "must be a string"),
    ("meta/profile/0", "x", BadValue, "meta/profile", f"must be {SD}eRS-CreateReferral-Parameters-1"),
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
    ("parameter/1/valueString", "x", BadStructure, "parameter[1]", "needs exactly one value, a valueIdentifier"),
    (
        "parameter/1/valueIdentifier",
        REMOVED,
        BadStructure,
        "parameter[1]",
        "needs exactly one value, a valueIdentifier",
    ),
    ("parameter/1/valueIdentifier", None, BadStructure, "parameter[1]/valueIdentifier", "must be an object"),
    ("parameter/1/valueIdentifier", "x", BadStructure, "parameter[1]/valueIdentifier", "must be an object"),
    ("parameter/1/valueIdentifier/system", REMOVED, BadStructure, "parameter[1]/valueIdentifier/system", "is required"),
    (
        "parameter/1/valueIdentifier/system",
        "urn:x",
        BadValue,
        "parameter[1]/valueIdentifier/system",
        "must be http://fhir.nhs.net/Id/nhs-number",
    ),
    ("parameter/1/valueIdentifier/value", REMOVED, BadStructure, "parameter[1]/valueIdentifier/value", "is required"),
    ("parameter/1/valueIdentifier/value", "", BadValue, "parameter[1]/valueIdentifier/value", "must not be empty"),
    ("parameter/1/valueIdentifier/value", 999, BadValue, "parameter[1]/valueIdentifier/value", "must be a string"),
    ("parameter/1/valueIdentifier/value", "123", BadValue, "parameter[1]/valueIdentifier/value", "must be 10 digits"),
    (
        "parameter/1/valueIdentifier/value",
        "１２３４５６７８９０",
        BadValue,
        "parameter[1]/valueIdentifier/value",
        "must be 10 digits",
    ),
    ("parameter/1/valueIdentifier/code", "x", UnexpectedField, "parameter[1]/valueIdentifier/code", "unknown element"),
    (
        "parameter/2/valueCoding/code",
        "LATER",
        BadCode,
        "parameter[2]/valueCoding/code",
        "must be one of NEED_TO_ADD_LATER, NOT_INTENDING_TO_ADD",
    ),
    ("parameter/3/valueUnsignedInt", -1, BadValue, "parameter[3]/valueUnsignedInt", "must be between 0 and 2147483647"),
    (
        "parameter/3/valueUnsignedInt",
        2**31,
        BadValue,
        "parameter[3]/valueUnsignedInt",
        "must be between 0 and 2147483647",
    ),
    ("parameter/3/valueUnsignedInt", True, BadValue, "parameter[3]/valueUnsignedInt", "must be a whole number"),
    ("parameter/3/valueUnsignedInt", 1.5, BadValue, "parameter[3]/valueUnsignedInt", "must be a whole number"),
    ("parameter/3/valueUnsignedInt", "1", BadValue, "parameter[3]/valueUnsignedInt", "must be a whole number"),
    ("parameter/3/valueUnsignedInt", [1], BadStructure, "parameter[3]/valueUnsignedInt", "must be a whole number"),
    (BOX, [], BadStructure, "parameter[0]/resource", "must be a resource"),
    (f"{BOX}/resourceType", "Bundle", BadValue, "parameter[0]/resource/resourceType", "must be List"),
    (f"{BOX}/status", REMOVED, BadStructure, "parameter[0]/resource/status", "is required"),
    (f"{BOX}/status", "retired", BadValue, "parameter[0]/resource/status", "must be current"),
    (f"{BOX}/mode", "working", BadValue, "parameter[0]/resource/mode", "must be snapshot"),
    (f"{BOX}/title", "x", UnexpectedField, "parameter[0]/resource/title", "unknown element"),
    (f"{BOX}/extension", REMOVED, MissingField, "parameter[0]/resource", "is missing."),
    (f"{BOX}/extension/0/url", "urn:x", UnexpectedField, "parameter[0]/resource/extension[0]", "unknown extension"),
    (
        f"{BOX}/extension/0/valueReference",
        {},
        BadStructure,
        "parameter[0]/resource/extension[0]/valueReference/reference",
        "is required",
    ),
    (
        f"{BOX}/extension/0/valueReference/reference",
        "#c2",
        BadValue,
        "parameter[0]/resource/extension[0]/valueReference/reference",
        "must be # and the id of the contained search criteria",
    ),
    (
        f"{BOX}/contained",
        REMOVED,
        BadValue,
        "parameter[0]/resource/extension[0]/valueReference/reference",
        "must be # and the id of the contained search criteria",
    ),
    (
        f"{BOX}/contained",
        [{}, {}],
        BadStructure,
        "parameter[0]/resource/contained[1]",
        "must hold the search criteria and nothing else",
    ),
    (f"{BOX}/entry", {}, BadStructure, "parameter[0]/resource/entry", "must be an array"),
    (f"{BOX}/entry/1/item", REMOVED, BadStructure, "parameter[0]/resource/entry[1]/item", "is required"),
    (f"{BOX}/entry/1/flag", {}, UnexpectedField, "parameter[0]/resource/entry[1]/flag", "unknown element"),
    (
        f"{BOX}/entry/1/item/identifier",
        REMOVED,
        BadStructure,
        "parameter[0]/resource/entry[1]/item/identifier",
        "is required",
    ),
    (
        f"{BOX}/entry/1/item/identifier/value",
        "first",
        BadValue,
        "parameter[0]/resource/entry[1]/item/identifier/value",
        "must be a number of up to 12 digits",
    ),
    (
        f"{BOX}/contained/0/parameter/3/valueBoolean",
        "true",
        BadValue,
        "parameter[0]/resource/contained[0]/parameter[3]/valueBoolean",
        "must be true or false",
    ),
    (
        f"{BOX}/contained/0/parameter/3/valueBoolean",
        1,
        BadValue,
        "parameter[0]/resource/contained[0]/parameter[3]/valueBoolean",
        "must be true or false",
    ),
    (
        f"{BOX}/contained/0/parameter/0",
        {"name": "place", "valueString": "x"},
        UnexpectedField,
        "parameter[0]/resource/contained[0]/parameter[0]",
        "unknown parameter name",
    ),
    (
        f"{BOX}/contained/0/parameter/0",
        {"name": "postcode", "valueString": "nowhere"},
        BadValue,
        "parameter[0]/resource/contained[0]/parameter[0]/valueString",
        "must be a full postcode such as LS1 4AP",
    ),
    (
        f"{BOX}/contained/0/parameter/0",
        {"name": "postcode", "valueString": "x" * 21},
        BadValue,
        "parameter[0]/resource/contained[0]/parameter[0]/valueString",
        "must not be longer than 20 characters",
    ),
    (f"{BOX}/contained/0/parameter", [], MissingField, "parameter[0]/resource/contained[0]", "is missing."),
]


def changed(body: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    """`body` with one place changed or removed."""
    body = deepcopy(body)
    *way, last = where.split("/")
    place: Any = body
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    key: Any = int(last) if isinstance(place, list) else last
    if value is REMOVED:
        del place[key]
    else:
        place[key] = value
    return body


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


WORDS = st.sampled_from(
    [
        *("resourceType", "Parameters", "List", "meta", "profile", "parameter", "name", "resource", "contained"),
        *("extension", "url", "valueReference", "reference", "#c1", "entry", "item", "identifier", "system", "value"),
        *("patient", "shortlist", "valueIdentifier", "valueCoding", "code", "priority", "valueBoolean", "status"),
        *("current", "mode", "snapshot", "valueUnsignedInt", "valueInstant", "eReferralPathwayStart", "id"),
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | WORDS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=5),
    max_leaves=25,
)


def places(value: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place within a body."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (any JSON)
    elif isinstance(value, list):
        inner = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType] (any JSON)
    return [found for key, each in inner for found in ((*way, key), *places(each, (*way, key)))]


@given(JSON)
def test_any_json_is_read_or_refused(node: Any) -> None:
    for read in READERS:
        with pytest.raises(Unreadable):
            read(node, BY)


@given(st.data(), st.sampled_from([search_body(), create_body()]), JSON)
@settings(max_examples=300)
def test_any_change_to_a_good_body_is_read_or_refused_at_a_place(data: st.DataObject, good: Any, planted: Any) -> None:
    where = data.draw(st.sampled_from(places(good)))
    body = changed(good, "/".join(map(str, where)), planted)
    for read in READERS:
        try:
            read(parse(msgspec.json.encode(body)), BY)
        except Unreadable as refused:
            assert refused.path.isprintable() or planted is not None
            assert diagnostics_of(refused)


def test_helper_bodies_are_good() -> None:
    assert read_search_services(search_body(), BY)
    assert read_create_referral(create_body(), BY)
    assert shortlist_body()["contained"] == [criteria_body()]
