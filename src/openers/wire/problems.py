"""Problems that the edge finds before any rule is asked: tokens, headers, media types, limits, unknown addresses.

Texts follow the gateway's table (rules 2.3, 11.2 row 28). A problem gets its code, and the form of its body, from the
FHIR version of whoever is told (`openers.wire.dialect`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.wire.dialect import ASK_FOR_TOKEN, EdgeProblem, Problem
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


def invalid_token() -> Problem:
    """The access token is unknown or has expired."""
    return _refused((401, "login"), TOKEN, "Invalid access token", EdgeProblem.TOKEN)


def missing_token() -> Problem:
    """No access token was sent. Told as one that is not valid, but for the challenge (RFC 6750 chapter 3.1)."""
    return msgspec.structs.replace(invalid_token(), challenge=ASK_FOR_TOKEN)


def method_not_accepted() -> Problem:
    """The user logged in by a method that is too weak (AAL)."""
    text = "Your authentication method is not currently supported. Ask your Registration Authority or IT service desk."
    return _refused((401, "login"), METHOD, text)


def identity_not_verified() -> Problem:
    """The user is not known surely enough (IAL below 3)."""
    text = "The service could not verify your identity. Ask your Registration Authority or IT service desk."
    return _refused((401, "forbidden"), IDENTITY, text)


def missing_asid() -> Problem:
    """The application has no ASID."""
    return _refused((403, "forbidden"), ASID, "ASID is not configured in the application")


def application_function() -> Problem:
    """A user names a business function that only applications hold."""
    return _refused((403, "forbidden"), MODE, _WRONG_FUNCTION)


def wrong_function(diagnostics: str = "", rule: Rule = FUNCTION) -> Problem:
    """The user does not hold the business function there, or it may not do this."""
    return _plain(EdgeProblem.FUNCTION, rule, (403, "forbidden"), diagnostics or _WRONG_FUNCTION)


def address_ended() -> Problem:
    """A signed address was altered, or its time is over."""
    text = "The address is not valid, or not any more: ask A042 for a new one."
    return _refused((403, "forbidden"), SIGNED, text)


def organisation_not_allowed() -> Problem:
    """The organisation is not on the application's list."""
    text = "Unauthorised ODS code provided in NHSD-End-User-Organisation-ODS header"
    return _refused((403, "forbidden"), ALLOW_LIST, text)


def missing_header(header: str, rule: Rule = HEADER_MISSING) -> Problem:
    """A header that is always needed is missing or empty."""
    return _refused((400, "required"), rule, f"Missing or Empty {header} header.", EdgeProblem.MISSING_HEADER)


def bad_header(header: str, value: str, hint: str) -> Problem:
    """A header has a value that it can't have."""
    return _plain(EdgeProblem.VALUE, HEADER_VALUE, (400, "value"), f"'{header}' ({value}) {hint}")


def header_of_the_gateway() -> Problem:
    """An application sends a header that only the gateway may set; or the access mode is unknown."""
    return _plain(EdgeProblem.MODE, MODE, (403, ""), "")


def too_many_requests(retry_after_s: int) -> Problem:
    """The application's rate limit is reached."""
    text = "The rate limit of the application is reached: wait and retry."
    problem = _refused((429, "throttled"), LIMIT, text, EdgeProblem.LIMIT)
    return msgspec.structs.replace(problem, retry_after_s=retry_after_s)


def not_acceptable(offered: str) -> Problem:
    """The caller accepts nothing that is offered here."""
    return _plain(EdgeProblem.ACCEPT, ACCEPT, (406, "not-supported"), f"Accept must allow {offered}.")


def unsupported_media(expected: str) -> Problem:
    """The body has a type that is not understood here."""
    return _plain(EdgeProblem.CONTENT_TYPE, CONTENT_TYPE, (415, "not-supported"), f"Content-Type must be {expected}.")


def unknown_path(path: str, nearest: str | None = None) -> Problem:
    """There is nothing at this address; `nearest` is one that may have been meant."""
    text = f"'{path}' does not exist." + (f" Did you mean '{nearest}'?" if nearest else "")
    return _plain(EdgeProblem.PATH, PATH, (404, "not-found"), text)


def method_not_allowed(method: str, allowed: str) -> Problem:
    """The address exists, the method does not."""
    text = f"'{method}' is not allowed here, only {allowed}."
    return msgspec.structs.replace(_plain(EdgeProblem.METHOD, METHODS, (405, "not-supported"), text), allow=allowed)


def one_host() -> Problem:
    """An HTTP/1.1 request without a Host header, or with several."""
    text = "'Host' must be sent once: HTTP/1.1 asks for it."
    return _plain(EdgeProblem.NO_HOST, HOST, (400, "required"), text)


def foreign_host(host: str) -> Problem:
    """A page is asked for by a name that is none of this service's."""
    text = f"'Host' ({host}) is no name of this service: use that of OPENERS_BASE_URL, or add it to OPENERS_OWN_HOSTS."
    return _plain(EdgeProblem.FOREIGN_HOST, HOST, (421, "forbidden"), text)


def too_large(limit_bytes: int) -> Problem:
    """The body is longer than the service reads."""
    return _plain(EdgeProblem.SIZE, SIZE, (413, "too-long"), f"The body must not be longer than {limit_bytes} bytes.")


def too_slow(limit_s: float) -> Problem:
    """The body did not arrive in time."""
    return _plain(EdgeProblem.PACE, PACE, (408, "timeout"), f"The body must arrive within {limit_s:g} seconds.")


def missing_precondition() -> Problem:
    """The operation needs `If-Match` and there is none."""
    text = 'If-Match is missing: send the ETag of the version you read, such as W/"5".'
    return _plain(EdgeProblem.PRECONDITION, IF_MATCH, (412, "required"), text)


def unexpected(error_id: str) -> Problem:
    """Something failed that should not; `error_id` finds it in the log and tells nothing else."""
    text = f"The service failed. Quote error {error_id} when you report it."
    return _plain(EdgeProblem.UNEXPECTED, FAILURE, (500, "exception"), text)


def unavailable(retry_after_s: int) -> Problem:
    """The service can't answer at present."""
    problem = _plain(EdgeProblem.UNAVAILABLE, FAILURE, (503, "transient"), "")
    return msgspec.structs.replace(problem, retry_after_s=retry_after_s)


_WRONG_FUNCTION = "User does not have the required Business Function at the specified Organisation."


def _refused(told: tuple[int, str], rule: Rule, text: str, kind: EdgeProblem = EdgeProblem.ACCESS) -> Problem:
    """A refusal of the gateway; `told` is status and issue code."""
    return msgspec.structs.replace(_plain(kind, rule, told, text), gateway=True)


def _plain(kind: EdgeProblem, rule: Rule, told: tuple[int, str], text: str) -> Problem:
    """A problem with its text; `told` is status and issue code."""
    status, issue_code = told
    return Problem(kind=kind, rule=rule, status=status, issue_code=issue_code, diagnostics=text)
