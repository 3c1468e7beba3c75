"""The headers of the session API, whose names have underscores, in every spelling that clients and proxies produce.

Source: ADR 0072.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openers.api.http.request import Request, Stop
from openers.wire.session_v1.problems import header_absent, headers_differ

ASID: Final = "XAPI_ASID"
SESSION_KEY: Final = "HTTP_X_SESSION_KEY"
FQDN: Final = "XAPI_FQDN"
SPELLINGS: Final = {
    ASID: frozenset({b"xapi-asid", b"x-xapi-asid"}),
    SESSION_KEY: frozenset({b"http-x-session-key", b"x-session-key"}),
    FQDN: frozenset({b"xapi-fqdn", b"x-xapi-fqdn"}),
}
"""Accepted names of each header, in lower case, with a dash for each underscore."""
_OF_PROXIES: Final = {
    b"via": "Via",
    b"forwarded": "Forwarded",
    b"x-forwarded-for": "X-Forwarded-For",
    b"x-forwarded-proto": "X-Forwarded-Proto",
    b"x-real-ip": "X-Real-IP",
}
"""Headers that show that a proxy passed the call on."""
TODAY: Final = {
    b"x-ers-xapi-meta-file-name": b"nhsd-ers-file-name",
    b"x-ers-xapi-meta-intended-ubrn": b"nhsd-ers-referral-id",
    b"x-ers-xapi-comm-rule-org": b"nhsd-ers-comm-rule-org",
}
"""Headers of STU3 v1 and their names of today, with a dash for each underscore."""


def optional(request: Request, name: str) -> str:
    """Return the value of a header in any spelling; empty if it is absent. Raises Stop if its values differ."""
    spellings = SPELLINGS[name]
    values = [value.strip() for key, value in request.scope["headers"] if key.replace(b"_", b"-") in spellings]
    if len(set(values)) > 1:
        raise Stop(headers_differ(name, len(values)))
    return values[0].decode("latin-1") if values else ""


def required(request: Request, name: str) -> str:
    """Return the value of a header in any spelling. Raises Stop if it is absent or empty, or if its values differ."""
    value = optional(request, name)
    if not value:
        raise Stop(header_absent(name, _proxy_of(request.headers)))
    return value


def as_today(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the headers with those of STU3 v1 under their names of today."""
    renamed = {TODAY[key]: value for name, value in headers.items() if (key := name.replace(b"_", b"-")) in TODAY}
    return {**headers, **renamed} if renamed else headers


def _proxy_of(names: Iterable[bytes]) -> str:
    return next((_OF_PROXIES[name] for name in names if name in _OF_PROXIES), "")
