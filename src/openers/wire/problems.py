"""Problems that the edge detects before any rule is applied: tokens, headers, media types, limits, unknown addresses.

Texts follow the gateway's table (rules 2.3, 11.2 row 28). The caller's FHIR version gives a problem its code and the
form of its body (`openers.wire.dialect`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.wire.dialect import ASK_FOR_TOKEN, EdgeProblem, Problem
from openers.wire.rules import Check, Rule

CERTIFICATE: Final = Rule(Check.CERTIFICATE, "CLIENT_CERTIFICATE", "setting OPENERS_TLS_CLIENT_CA; ADR 0067")
TOKEN: Final = Rule(Check.TOKEN, "ACCESS_TOKEN", "rules 2.2, 2.3; RFC 6750")
METHOD: Final = Rule(Check.ASSURANCE, "AUTHENTICATION_METHOD", "rules 2.2, 2.3")
IDENTITY: Final = Rule(Check.ASSURANCE, "IDENTITY_LEVEL", "rules 2.2, 2.3")
ALLOW_LIST: Final = Rule(Check.ALLOW_LIST, "ALLOW_LIST", "rules 2.3")
ASID: Final = Rule(Check.APPLICATION, "ASID", "rules 2.3")
ENDPOINT: Final = Rule(Check.APPLICATION, "ENDPOINT", "setting OPENERS_TLS_CLIENT_CA; ADR 0066")
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
    """Return the problem: the access token is unknown or has expired."""
    return _refused((401, "login"), TOKEN, "Invalid access token", EdgeProblem.TOKEN)


def missing_token() -> Problem:
    """Return the problem: no access token was sent.

    Only its challenge differs from an invalid token (RFC 6750 chapter 3.1).
    """
    return msgspec.structs.replace(invalid_token(), challenge=ASK_FOR_TOKEN)


def certificate_refused(reason: str) -> Problem:
    """Return the problem: the client certificate is not accepted at present; `reason` is a clause."""
    text = f"The client certificate is not accepted: {reason}. Send a valid one, or none."
    return _refused((403, "forbidden"), CERTIFICATE, text)


def endpoint_refused(text: str) -> Problem:
    """Return the problem: the endpoint to which the client certificate belongs may not make this call."""
    return _refused((403, "forbidden"), ENDPOINT, text)


def method_not_accepted() -> Problem:
    """Return the problem: the user's method of logging in is too weak (AAL)."""
    text = "Your authentication method is not currently supported. Ask your Registration Authority or IT service desk."
    return _refused((401, "login"), METHOD, text)


def identity_not_verified() -> Problem:
    """Return the problem: the user's identity is not verified well enough (IAL below 3)."""
    text = "The service could not verify your identity. Ask your Registration Authority or IT service desk."
    return _refused((401, "forbidden"), IDENTITY, text)


def missing_asid() -> Problem:
    """Return the problem: the application has no ASID."""
    return _refused((403, "forbidden"), ASID, "ASID is not configured in the application")


def application_function() -> Problem:
    """Return the problem: a user names a business function that only applications have."""
    return _refused((403, "forbidden"), MODE, _WRONG_FUNCTION)


def wrong_function(diagnostics: str = "", rule: Rule = FUNCTION) -> Problem:
    """Return the problem: the user lacks the business function there, or it may not perform this operation."""
    return _plain(EdgeProblem.FUNCTION, rule, (403, "forbidden"), diagnostics or _WRONG_FUNCTION)


def address_ended() -> Problem:
    """Return the problem: a signed address was altered or has expired."""
    text = "The address is not valid or has expired: request a new one with A042."
    return _refused((403, "forbidden"), SIGNED, text)


def organisation_not_allowed(place: str = "NHSD-End-User-Organisation-ODS header") -> Problem:
    """Return the problem: the organisation is not on the application's allow list."""
    text = f"Unauthorised ODS code provided in {place}"
    return _refused((403, "forbidden"), ALLOW_LIST, text)


def missing_header(header: str, rule: Rule = HEADER_MISSING) -> Problem:
    """Return the problem: a header that is always required is missing or empty."""
    return _refused((400, "required"), rule, f"Missing or Empty {header} header.", EdgeProblem.MISSING_HEADER)


def bad_header(header: str, value: str, hint: str) -> Problem:
    """Return the problem: the value of a header is not permitted."""
    return _plain(EdgeProblem.VALUE, HEADER_VALUE, (400, "value"), f"'{header}' ({value}) {hint}")


def header_of_the_gateway() -> Problem:
    """Return the problem: a header that only the gateway may set, or an unknown access mode."""
    return _plain(EdgeProblem.MODE, MODE, (403, ""), "")


def too_many_requests(retry_after_s: int) -> Problem:
    """Return the problem: the application's rate limit is reached."""
    text = "The rate limit of the application is reached: wait and retry."
    problem = _refused((429, "throttled"), LIMIT, text, EdgeProblem.LIMIT)
    return msgspec.structs.replace(problem, retry_after_s=retry_after_s)


def not_acceptable(offered: str) -> Problem:
    """Return the problem: the caller accepts none of the offered media types."""
    return _plain(EdgeProblem.ACCEPT, ACCEPT, (406, "not-supported"), f"Accept must allow {offered}.")


def unsupported_media(expected: str) -> Problem:
    """Return the problem: the media type of the body is not supported here."""
    return _plain(EdgeProblem.CONTENT_TYPE, CONTENT_TYPE, (415, "not-supported"), f"Content-Type must be {expected}.")


def unknown_path(path: str, nearest: str | None = None) -> Problem:
    """Return the problem: nothing exists at this address; `nearest` is an address that may have been meant."""
    text = f"'{path}' does not exist." + (f" Did you mean '{nearest}'?" if nearest else "")
    return _plain(EdgeProblem.PATH, PATH, (404, "not-found"), text)


def method_not_allowed(method: str, allowed: str) -> Problem:
    """Return the problem: the address exists, but not for this method."""
    text = f"'{method}' is not allowed here, only {allowed}."
    return msgspec.structs.replace(_plain(EdgeProblem.METHOD, METHODS, (405, "not-supported"), text), allow=allowed)


def one_host() -> Problem:
    """Return the problem: an HTTP/1.1 request has no Host header, or several."""
    text = "'Host' must be sent exactly once: HTTP/1.1 requires it."
    return _plain(EdgeProblem.NO_HOST, HOST, (400, "required"), text)


def foreign_host(host: str) -> Problem:
    """Return the problem: a page is requested under a host name that does not belong to this service."""
    text = f"'Host' ({host}) is unknown here: use the host of OPENERS_BASE_URL, or add this one to OPENERS_OWN_HOSTS."
    return _plain(EdgeProblem.FOREIGN_HOST, HOST, (421, "forbidden"), text)


def too_large(limit_bytes: int) -> Problem:
    """Return the problem: the body is longer than the limit."""
    return _plain(EdgeProblem.SIZE, SIZE, (413, "too-long"), f"The body must not be longer than {limit_bytes} bytes.")


def too_slow(limit_s: float) -> Problem:
    """Return the problem: the body did not arrive in time."""
    return _plain(EdgeProblem.PACE, PACE, (408, "timeout"), f"The body must arrive within {limit_s:g} seconds.")


def missing_precondition() -> Problem:
    """Return the problem: the operation requires `If-Match` and the header is missing."""
    text = 'If-Match is missing: send the ETag of the version you read, such as W/"5".'
    return _plain(EdgeProblem.PRECONDITION, IF_MATCH, (412, "required"), text)


def unexpected(error_id: str) -> Problem:
    """Return the problem: an unexpected failure; `error_id` finds it in the log and reveals nothing else."""
    text = f"The service failed. Quote error {error_id} when you report it."
    return _plain(EdgeProblem.UNEXPECTED, FAILURE, (500, "exception"), text)


def unavailable(retry_after_s: int) -> Problem:
    """Return the problem: the service cannot reply at present."""
    problem = _plain(EdgeProblem.UNAVAILABLE, FAILURE, (503, "transient"), "")
    return msgspec.structs.replace(problem, retry_after_s=retry_after_s)


_WRONG_FUNCTION = "User does not have the required Business Function at the specified Organisation."


def _refused(told: tuple[int, str], rule: Rule, text: str, kind: EdgeProblem = EdgeProblem.ACCESS) -> Problem:
    """Return a refusal of the gateway; `told` is status and issue code."""
    return msgspec.structs.replace(_plain(kind, rule, told, text), gateway=True)


def _plain(kind: EdgeProblem, rule: Rule, told: tuple[int, str], text: str) -> Problem:
    """Return a problem with its text; `told` is status and issue code."""
    status, issue_code = told
    return Problem(kind=kind, rule=rule, status=status, issue_code=issue_code, diagnostics=text)
