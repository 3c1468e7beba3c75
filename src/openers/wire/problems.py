"""Problems that the edge finds before any rule is asked: tokens, headers, media types, limits, unknown addresses.

Texts and codes follow the gateway's table (rules 2.3, 11.2 row 28) and the body shapes (rules 2.6, 11.2 row 30). On
STU3 some of them have no body, and bad media types are told in plain text.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.wire.outcome import ASK_FOR_TOKEN, HTTP, NHSD, Fhir, Form, Problem
from openers.wire.rules import Check, Rule

TOKEN: Final = Rule(Check.TOKEN, "ACCESS_TOKEN", "rules 2.2, 2.3; RFC 6750")
METHOD: Final = Rule(Check.ASSURANCE, "AUTHENTICATION_METHOD", "rules 2.2, 2.3")
IDENTITY: Final = Rule(Check.ASSURANCE, "IDENTITY_LEVEL", "rules 2.2, 2.3")
ALLOW_LIST: Final = Rule(Check.ALLOW_LIST, "ALLOW_LIST", "rules 2.3")
ASID: Final = Rule(Check.APPLICATION, "ASID", "rules 2.3")
LIMIT: Final = Rule(Check.LIMIT, "RATE_LIMIT", "rules 2.3")
MODE: Final = Rule(Check.MODE, "ACCESS_MODE", "rules 2.3")
HOST: Final = Rule(Check.ADDRESS, "HOST", "setting OPENERS_OWN_HOSTS; RFC 9112")
PATH: Final = Rule(Check.ADDRESS, "PATH", "rules 2.5")
METHODS: Final = Rule(Check.ADDRESS, "METHOD", "rules 2.5")
SIGNED: Final = Rule(Check.ADDRESS, "SIGNED_ADDRESS", "rules 6")
FUNCTION: Final = Rule(Check.ROLE, "BUSINESS_FUNCTION", "rules 1.2, 2.5")
ON_BEHALF_OF: Final = Rule(Check.ON_BEHALF_OF, "ON_BEHALF_OF", "rules 2.4")
HEADER_MISSING: Final = Rule(Check.ORGANISATION, "ORGANISATION_HEADER", "rules 2.3, 2.4")
HEADER_VALUE: Final = Rule(Check.HEADERS, "HEADER_OR_PATH_VALUE", "rules 1.1, 2.4")
IF_MATCH: Final = Rule(Check.HEADERS, "IF_MATCH", "rules 2.4, 3.4")
ACCEPT: Final = Rule(Check.MEDIA, "ACCEPT", "rules 2.4, 2.6")
CONTENT_TYPE: Final = Rule(Check.MEDIA, "CONTENT_TYPE", "rules 2.4, 2.6")
SIZE: Final = Rule(Check.JSON, "BODY_SIZE", "setting OPENERS_MAX_BODY_BYTES")
PACE: Final = Rule(Check.JSON, "BODY_TIME", "setting OPENERS_BODY_TIMEOUT_S")
FAILURE: Final = Rule(Check.SERVICE, "FAILURE", "rules 2.6")


def invalid_token(fhir: Fhir) -> Problem:
    """The access token is unknown or has expired."""
    if fhir is Fhir.STU3:
        return Problem(status=401, rule=TOKEN, form=Form.EMPTY)
    return _refused(401, "login", fhir, "Invalid access token", TOKEN)


def missing_token(fhir: Fhir) -> Problem:
    """No access token was sent. Told as one that is not valid, but for the challenge (RFC 6750 chapter 3.1)."""
    return msgspec.structs.replace(invalid_token(fhir), challenge=ASK_FOR_TOKEN)


def method_not_accepted(fhir: Fhir) -> Problem:
    """The user logged in by a method that is too weak (AAL)."""
    return _refused(
        401,
        "login",
        fhir,
        "Your authentication method is not currently supported. Ask your Registration Authority or IT service desk.",
        METHOD,
    )


def identity_not_verified(fhir: Fhir) -> Problem:
    """The user is not known surely enough (IAL below 3)."""
    return _refused(
        401,
        "forbidden",
        fhir,
        "The service could not verify your identity. Ask your Registration Authority or IT service desk.",
        IDENTITY,
    )


def missing_asid(fhir: Fhir) -> Problem:
    """The application has no ASID."""
    return _refused(403, "forbidden", fhir, "ASID is not configured in the application", ASID)


def application_function(fhir: Fhir) -> Problem:
    """A user names a business function that only applications hold."""
    return _refused(403, "forbidden", fhir, _WRONG_FUNCTION, MODE)


def wrong_function(fhir: Fhir, diagnostics: str = "", rule: Rule = FUNCTION) -> Problem:
    """The user does not hold the business function there, or it may not do this."""
    code, system = ("FORBIDDEN", "") if fhir is Fhir.STU3 else ("REC_FORBIDDEN", HTTP)
    return Problem(
        status=403,
        rule=rule,
        issue_code="forbidden",
        code=code,
        system=system,
        diagnostics=diagnostics or _WRONG_FUNCTION,
    )


def address_ended(fhir: Fhir) -> Problem:
    """A signed address was altered, or its time is over."""
    return _refused(
        403, "forbidden", fhir, "The address is not valid, or not any more: ask A042 for a new one.", SIGNED
    )


def organisation_not_allowed(fhir: Fhir) -> Problem:
    """The organisation is not on the application's list."""
    text = "Unauthorised ODS code provided in NHSD-End-User-Organisation-ODS header"
    return _refused(403, "forbidden", fhir, text, ALLOW_LIST)


def missing_header(header: str, rule: Rule = HEADER_MISSING) -> Problem:
    """A header that is always needed is missing or empty; alike in both versions."""
    return Problem(
        status=400,
        rule=rule,
        issue_code="required",
        code="MISSING_HEADER",
        system=NHSD,
        diagnostics=f"Missing or Empty {header} header.",
        gateway=True,
    )


def bad_header(fhir: Fhir, header: str, value: str, hint: str) -> Problem:
    """A header has a value that it can't have."""
    code, system = ("INVALID_VALUE", "") if fhir is Fhir.STU3 else ("REC_BAD_REQUEST", HTTP)
    issue_code = "value" if fhir is Fhir.STU3 else "invalid"
    shown = f"'{header}' ({value}) {hint}"
    return Problem(status=400, rule=HEADER_VALUE, issue_code=issue_code, code=code, system=system, diagnostics=shown)


def header_of_the_gateway() -> Problem:
    """An application sends a header that only the gateway may set; or the access mode is unknown."""
    return Problem(status=403, rule=MODE, form=Form.EMPTY)


def too_many_requests(fhir: Fhir, retry_after_s: int) -> Problem:
    """The application's rate limit is reached."""
    if fhir is Fhir.STU3:
        return Problem(status=429, rule=LIMIT, form=Form.EMPTY, retry_after_s=retry_after_s)
    return Problem(
        status=429,
        rule=LIMIT,
        issue_code="throttled",
        code="TOO_MANY_REQUESTS",
        system=NHSD,
        diagnostics="The rate limit of the application is reached: wait and retry.",
        gateway=True,
        retry_after_s=retry_after_s,
    )


def not_acceptable(fhir: Fhir, offered: str) -> Problem:
    """The caller accepts nothing that is offered here."""
    return _media(fhir, 406, "REC_NOT_ACCEPTABLE", f"Accept must allow {offered}.", ACCEPT)


def unsupported_media(fhir: Fhir, expected: str) -> Problem:
    """The body has a type that is not understood here."""
    return _media(fhir, 415, "REC_UNSUPPORTED_MEDIA_TYPE", f"Content-Type must be {expected}.", CONTENT_TYPE)


def unknown_path(fhir: Fhir, path: str, nearest: str | None = None) -> Problem:
    """There is nothing at this address; `nearest` is one that may have been meant."""
    text = f"'{path}' does not exist." + (f" Did you mean '{nearest}'?" if nearest else "")
    return _plain(fhir, PATH, (404, "not-found"), ("REFERENCE_NOT_FOUND", "REC_NOT_FOUND"), text)


def method_not_allowed(fhir: Fhir, method: str, allowed: str) -> Problem:
    """The address exists, the method does not."""
    text = f"'{method}' is not allowed here, only {allowed}."
    problem = _plain(fhir, METHODS, (405, "not-supported"), ("METHOD_NOT_ALLOWED", "REC_METHOD_NOT_ALLOWED"), text)
    return msgspec.structs.replace(problem, allow=allowed)


def one_host(fhir: Fhir) -> Problem:
    """An HTTP/1.1 request without a Host header, or with several."""
    text = "'Host' must be sent once: HTTP/1.1 asks for it."
    return _plain(fhir, HOST, (400, "required"), ("MISSING_HEADER", "REC_BAD_REQUEST"), text)


def foreign_host(fhir: Fhir, host: str) -> Problem:
    """A page is asked for by a name that is none of this service's."""
    text = f"'Host' ({host}) is no name of this service: use that of OPENERS_BASE_URL, or add it to OPENERS_OWN_HOSTS."
    return _plain(fhir, HOST, (421, "forbidden"), ("INVALID_VALUE", "REC_BAD_REQUEST"), text)


def too_large(fhir: Fhir, limit_bytes: int) -> Problem:
    """The body is longer than the service reads."""
    text = f"The body must not be longer than {limit_bytes} bytes."
    return _plain(fhir, SIZE, (413, "too-long"), ("FILE_SIZE_ERROR", "REC_TOO_LARGE"), text)


def too_slow(fhir: Fhir, limit_s: float) -> Problem:
    """The body did not arrive in time."""
    text = f"The body must arrive within {limit_s:g} seconds."
    return _plain(fhir, PACE, (408, "timeout"), ("TECHNICAL_ERROR", "REC_TIMEOUT"), text)


def missing_precondition(fhir: Fhir) -> Problem:
    """The operation needs `If-Match` and there is none."""
    text = 'If-Match is missing: send the ETag of the version you read, such as W/"5".'
    return _plain(fhir, IF_MATCH, (412, "required"), ("MISSING_HEADER", "REC_PRECONDITION_FAILED"), text)


def unexpected(fhir: Fhir, error_id: str) -> Problem:
    """Something failed that should not; `error_id` finds it in the log and tells nothing else."""
    text = f"The service failed. Quote error {error_id} when you report it."
    return _plain(fhir, FAILURE, (500, "exception"), ("TECHNICAL_ERROR", "REC_SERVER_ERROR"), text)


def unavailable(fhir: Fhir, retry_after_s: int) -> Problem:
    """The service can't answer at present."""
    code, system = ("SYSTEM_UNAVAILABLE", "") if fhir is Fhir.STU3 else ("REC_UNAVAILABLE", HTTP)
    return Problem(
        status=503, rule=FAILURE, issue_code="transient", code=code, system=system, retry_after_s=retry_after_s
    )


_WRONG_FUNCTION = "User does not have the required Business Function at the specified Organisation."


def _refused(status: int, issue_code: str, fhir: Fhir, text: str, rule: Rule) -> Problem:
    """A refusal of the gateway: no access."""
    code = "NO_ACCESS" if fhir is Fhir.STU3 else "ACCESS_DENIED"
    return Problem(
        status=status, rule=rule, issue_code=issue_code, code=code, system=NHSD, diagnostics=text, gateway=True
    )


def _plain(fhir: Fhir, rule: Rule, kind: tuple[int, str], codes: tuple[str, str], text: str) -> Problem:
    """A problem told alike in both versions: `kind` is status and issue code, `codes` are those of STU3 and R4."""
    status, issue_code = kind
    code = codes[0] if fhir is Fhir.STU3 else codes[1]
    return Problem(status=status, rule=rule, issue_code=issue_code, code=code, system=HTTP, diagnostics=text)


def _media(fhir: Fhir, status: int, code: str, text: str, rule: Rule) -> Problem:
    """A media type that does not fit: plain text on STU3."""
    if fhir is Fhir.STU3:
        return Problem(status=status, rule=rule, diagnostics=text, form=Form.TEXT)
    return Problem(status=status, rule=rule, issue_code="not-supported", code=code, system=HTTP, diagnostics=text)
