"""Problems of the edge, typed from the gateway's table (rules 2.3, 2.6, 11.2 row 28)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.unit.wire_values import AT

from openers.wire import problems as p
from openers.wire.dialect import Fhir, Form, Problem
from openers.wire.r4.dialect import R4
from openers.wire.stu3.dialect import STU3
from openers.wire.versions import VERSIONS

EMPTY = "empty"
WRONG = "User does not have the required Business Function at the specified Organisation."
NO_ODS = "Unauthorised ODS code provided in NHSD-End-User-Organisation-ODS header"

# The problem; its status; its issue type; its codes on STU3 and R4; its text, if fixed.
TABLE: list[tuple[Callable[[], Problem], int, str, tuple[str, str], str | None]] = [
    (p.invalid_token, 401, "login", (EMPTY, "ACCESS_DENIED"), "Invalid access token"),
    (p.method_not_accepted, 401, "login", ("NO_ACCESS", "ACCESS_DENIED"), None),
    (p.identity_not_verified, 401, "forbidden", ("NO_ACCESS", "ACCESS_DENIED"), None),
    (p.missing_asid, 403, "forbidden", ("NO_ACCESS", "ACCESS_DENIED"), "ASID is not configured in the application"),
    (p.application_function, 403, "forbidden", ("NO_ACCESS", "ACCESS_DENIED"), WRONG),
    (p.wrong_function, 403, "forbidden", ("FORBIDDEN", "REC_FORBIDDEN"), WRONG),
    (p.organisation_not_allowed, 403, "forbidden", ("NO_ACCESS", "ACCESS_DENIED"), NO_ODS),
    (
        lambda: p.missing_header("NHSD-End-User-Organisation-ODS"),
        400,
        "required",
        ("MISSING_HEADER", "MISSING_HEADER"),
        "Missing or Empty NHSD-End-User-Organisation-ODS header.",
    ),
    (lambda: p.header_of_the_gateway(), 403, "", (EMPTY, EMPTY), None),
    (lambda: p.too_many_requests(1), 429, "throttled", (EMPTY, "TOO_MANY_REQUESTS"), None),
    (lambda: p.unknown_path("/x"), 404, "not-found", ("REFERENCE_NOT_FOUND", "REC_NOT_FOUND"), None),
    (lambda: p.unexpected("abc"), 500, "exception", ("TECHNICAL_ERROR", "REC_SERVER_ERROR"), None),
    (lambda: p.unavailable(5), 503, "transient", ("SYSTEM_UNAVAILABLE", "REC_UNAVAILABLE"), None),
    (p.missing_precondition, 412, "required", ("MISSING_HEADER", "REC_PRECONDITION_FAILED"), None),
    (lambda: p.too_large(9), 413, "too-long", ("FILE_SIZE_ERROR", "REC_TOO_LARGE"), None),
    (lambda: p.too_slow(20), 408, "timeout", ("TECHNICAL_ERROR", "REC_TIMEOUT"), None),
]


@pytest.mark.parametrize(("build", "status", "issue", "codes", "words"), TABLE)
def test_a_problem_in_both_versions(
    build: Callable[[], Problem], status: int, issue: str, codes: tuple[str, str], words: str | None
) -> None:
    for fhir, code in zip(VERSIONS, codes, strict=True):
        problem = fhir.coded(build())
        body = fhir.body(problem, AT)
        assert problem.status == status
        if code == EMPTY:
            assert (body, fhir.media_type_of(problem)) == (b"", None)
            continue
        [told] = json.loads(body)["issue"]
        assert (told["code"], told["details"]["coding"][0]["code"]) == (issue, code)
        assert words is None or told["diagnostics"] == words
        assert fhir.media_type_of(problem) == "application/fhir+json"


@pytest.mark.parametrize(
    ("build", "status", "code"),
    [
        (p.not_acceptable, 406, "REC_NOT_ACCEPTABLE"),
        (p.unsupported_media, 415, "REC_UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_media_types_are_told_in_plain_text_on_stu3(build: Callable[[str], Problem], status: int, code: str) -> None:
    plain = STU3.coded(build("application/fhir+json"))
    assert (plain.status, plain.form, STU3.media_type_of(plain)) == (status, Form.TEXT, "text/plain;charset=utf-8")
    assert STU3.body(plain, AT).endswith(b"application/fhir+json.")
    told = json.loads(R4.body(R4.coded(build("application/fhir+json")), AT))["issue"][0]
    assert (told["code"], told["details"]["coding"][0]["code"]) == ("not-supported", code)


def test_what_the_gateway_tells_has_a_time_and_a_profile() -> None:
    stu3 = json.loads(STU3.body(STU3.coded(p.missing_asid()), AT))["meta"]
    r4 = json.loads(R4.body(R4.coded(p.missing_asid()), AT))["meta"]
    assert stu3["lastUpdated"] == r4["lastUpdated"] == "2031-02-03T04:05:06.789Z"
    assert stu3["profile"] == ["https://fhir.nhs.uk/STU3/StructureDefinition/eRS-OperationOutcome-1"]
    assert r4["profile"] == ["https://www.hl7.org/fhir/R4/operationoutcome.html"]


def test_an_unknown_path_points_to_the_nearest_one() -> None:
    assert p.unknown_path("/a", "/b").diagnostics == "'/a' does not exist. Did you mean '/b'?"


def test_a_bad_header_is_shown() -> None:
    problem = p.bad_header("If-Match", "5", "must be an ETag")
    assert (problem.status, problem.diagnostics) == (400, "'If-Match' (5) must be an ETag")


def test_a_method_that_is_not_allowed_names_those_that_are() -> None:
    problem = p.method_not_allowed("PUT", "GET")
    assert (problem.status, problem.diagnostics) == (405, "'PUT' is not allowed here, only GET.")


@pytest.mark.parametrize("fhir", VERSIONS, ids=lambda fhir: fhir.name)
def test_every_version_has_a_code_for_each_problem_of_the_edge(fhir: Fhir) -> None:
    assert set(fhir.edge) == set(p.EdgeProblem)
    coded = fhir.coded(p.too_slow(20))
    assert fhir.coded(coded) == coded, "a problem with a code keeps it"
