"""Faulty requests that the gateway and the edge reject, in the order of the checks, copied from the rules.

Source: rules chapters 2.3 (pipeline), 2.4 (headers), 2.6 (bodies), 11.2 rows 28 and 30.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import httpx
import msgspec

from openers.domain.directory import Assurance
from tests.kit.calls.expectations import (
    OUTCOME,
    R4_HTTP,
    R4_NHSD,
    R4_OUTCOME,
    STU3_ERRORS,
    STU3_OUTCOME,
    TEXT,
)
from tests.kit.service.requests import search
from tests.kit.service.running import GP

STU3_PATH, R4_PATH = "/STU3/CodeSystem/PRIORITY", "/R4/HealthcareService/11001"
PATHS: Final = {"STU3": STU3_PATH, "R4": R4_PATH}
WRONG_FUNCTION: Final = "User does not have the required Business Function at the specified Organisation."
ODS, FUNCTION = "NHSD-End-User-Organisation-ODS", "NHSD-eRS-Business-Function"
OBO: Final = "NHSD-eRS-On-Behalf-Of-User-ID"
STRONG: Final = Assurance()


@dataclass(frozen=True)
class Sent:
    """Hold the parts of one request, which a violation then changes."""

    fhir: str
    method: str = "GET"
    path: str = ""
    application: str = "demo-user-app"
    assurance: Assurance = STRONG
    token: str | None = None
    exhausted: bool = False
    headers: dict[str, str] = field(default_factory=lambda: dict(GP.headers))
    content: bytes | None = None


def good(fhir: str) -> Sent:
    """Return a valid request. On STU3 it has a body, so that every violation can be applied to it."""
    if fhir == "R4":
        return Sent("R4")
    body = msgspec.json.encode(search()["json"])
    headers = {**GP.headers, "Content-Type": OUTCOME}
    return Sent("STU3", "POST", search()["url"], headers=headers, content=body)


def lacking(sent: Sent, header: str) -> Sent:
    """Return the same request without one header."""
    return replace(sent, headers={name: value for name, value in sent.headers.items() if name != header})


@dataclass(frozen=True)
class Violation:
    """Describe one fault in a request and the expected rejection: status, issue code, STU3 and R4 codes, and text."""

    name: str
    spoil: Callable[[Sent], Sent]
    status: int
    issue: str = ""
    codes: tuple[str, str] = ("", "")
    text: str = ""
    empty_on: tuple[str, ...] = ()
    text_on: tuple[str, ...] = ()
    system: str = R4_NHSD
    gateway: bool = True
    only: tuple[str, ...] = ("STU3", "R4")
    pairs_with_itself: str = ""


NO_ACCESS: Final = ("NO_ACCESS", "ACCESS_DENIED")
ALWAYS: Final = (
    Violation(
        "token", lambda s: replace(s, token="x"), 401, "login", NO_ACCESS, "Invalid access token", empty_on=("STU3",)
    ),
    Violation(
        "method of log-in",
        lambda s: replace(s, assurance=Assurance(s.assurance.identity_level, 1, "PASSWORD")),
        401,
        "login",
        NO_ACCESS,
        "authentication method is not currently supported",
    ),
    Violation(
        "identity",
        lambda s: replace(s, assurance=Assurance(2, s.assurance.authenticator_level)),
        401,
        "forbidden",
        NO_ACCESS,
        "verify your identity",
    ),
    Violation(
        "organisation missing",
        lambda s: lacking(s, ODS),
        400,
        "required",
        ("MISSING_HEADER", "MISSING_HEADER"),
        "Missing or Empty NHSD-End-User-Organisation-ODS header.",
        pairs_with_itself="organisation",
    ),
    Violation(
        "organisation not on the list",
        lambda s: replace(s, headers={**s.headers, ODS: "R69"}),
        403,
        "forbidden",
        NO_ACCESS,
        "Unauthorised ODS code provided in NHSD-End-User-Organisation-ODS header",
        pairs_with_itself="organisation",
    ),
    Violation(
        "ASID",
        lambda s: replace(s, application="demo-no-asid"),
        403,
        "forbidden",
        NO_ACCESS,
        "ASID is not configured in the application",
    ),
    Violation(
        "rate",
        lambda s: replace(s, exhausted=True),
        429,
        "throttled",
        ("", "TOO_MANY_REQUESTS"),
        "rate limit",
        empty_on=("STU3",),
    ),
    Violation(
        "function of applications",
        lambda s: replace(s, headers={**s.headers, FUNCTION: "PROVIDER_AUTHORISED_APPLICATION"}),
        403,
        "forbidden",
        NO_ACCESS,
        WRONG_FUNCTION,
        pairs_with_itself="function",
    ),
    Violation(
        "path",
        lambda s: replace(s, path=s.path[:-1] + "X" if s.path else "/R4/HealthcareServiceX/11001"),
        404,
        "not-found",
        ("REFERENCE_NOT_FOUND", "REC_NOT_FOUND"),
        "does not exist",
        system=R4_HTTP,
        gateway=False,
        pairs_with_itself="path",
    ),
    Violation(
        "method",
        lambda s: replace(s, method="DELETE"),
        405,
        "not-supported",
        ("METHOD_NOT_ALLOWED", "REC_METHOD_NOT_ALLOWED"),
        "'DELETE' is not allowed here",
        system=R4_HTTP,
        gateway=False,
        pairs_with_itself="path",
    ),
    Violation(
        "role not held",
        lambda s: replace(s, headers={**s.headers, FUNCTION: "COMMISSIONER"}),
        403,
        "forbidden",
        ("FORBIDDEN", "REC_FORBIDDEN"),
        WRONG_FUNCTION,
        system=R4_HTTP,
        gateway=False,
        pairs_with_itself="function",
    ),
    Violation(
        "on behalf of somebody",
        lambda s: replace(s, headers={**s.headers, OBO: "555031999105"}),
        403,
        "forbidden",
        ("FORBIDDEN", "REC_FORBIDDEN"),
        "NHSD-eRS-On-Behalf-Of-User-ID is only for SERVICE_PROVIDER_CLINICIAN_ADMIN.",
        system=R4_HTTP,
        gateway=False,
    ),
    Violation(
        "accept",
        lambda s: replace(s, headers={**s.headers, "Accept": "application/json"}),
        406,
        "not-supported",
        ("", "REC_NOT_ACCEPTABLE"),
        "Accept must allow application/fhir+json.",
        text_on=("STU3",),
        system=R4_HTTP,
        gateway=False,
    ),
    Violation(
        "content type",
        lambda s: replace(s, headers={**s.headers, "Content-Type": "application/json"}),
        415,
        text="Content-Type must be application/fhir+json.",
        text_on=("STU3",),
        only=("STU3",),
    ),
    Violation(
        "size",
        lambda s: replace(s, content=b" " * (1024 * 1024 + 1)),
        413,
        "too-long",
        ("FILE_SIZE_ERROR", ""),
        "The body must not be longer than 1048576 bytes.",
        gateway=False,
        only=("STU3",),
        pairs_with_itself="body",
    ),
    Violation(
        "JSON",
        lambda s: replace(s, content=b"{"),
        400,
        "structure",
        ("INVALID_FHIR_STRUCTURE", ""),
        "The body is empty or ends too early (byte 1).",
        gateway=False,
        only=("STU3",),
        pairs_with_itself="body",
    ),
)
"""All violations, in the order in which the service checks for them."""

BY_NAME: Final = {each.name: each for each in ALWAYS}


def check(reply: httpx.Response, violation: Violation, fhir: str) -> None:
    """Check that the response is exactly the rejection that the violation requires."""
    assert reply.status_code == violation.status, (violation.name, reply.status_code, reply.text)
    if fhir in violation.empty_on:
        assert reply.content == b""
        assert "content-type" not in reply.headers
        return
    if fhir in violation.text_on:
        assert (reply.headers["content-type"], reply.text) == (TEXT, violation.text)
        return
    body = reply.json()
    (issue,) = body["issue"]
    (coding,) = issue["details"]["coding"]
    assert (issue["severity"], issue["code"]) == ("error", violation.issue)
    assert violation.text in issue["diagnostics"]
    if fhir == "STU3":
        assert body["meta"]["profile"] == [STU3_OUTCOME]
        assert ("lastUpdated" in body["meta"]) is violation.gateway
        assert (coding["system"], coding["code"]) == (STU3_ERRORS, violation.codes[0])
        assert coding["display"]
    else:
        assert body["meta"].get("profile") == ([R4_OUTCOME] if violation.gateway else None)
        assert "lastUpdated" in body["meta"]
        assert coding == {"system": violation.system, "code": violation.codes[1]}
