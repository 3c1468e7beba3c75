"""Read the headers and parameters of administration calls."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Final
from urllib.parse import parse_qsl

from openers.api.http.media import accepts, media_of
from openers.api.http.request import Request, Stop
from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Resource
from openers.domain.identifiers import OdsCode
from openers.identity.opaque import digest
from openers.usecases.administration.kinds import KINDS
from openers.usecases.administration.records import ANY_VERSION, MOST_ON_A_PAGE, NEW
from openers.usecases.administration.refusals import Malformed
from openers.usecases.administration.repeats import Once
from openers.usecases.ports.registers import Window
from openers.wire import problems

JSON: Final = "application/json"
USUAL_PAGE: Final = 100
IF_MATCH: Final = b"if-match"
IF_NONE_MATCH: Final = b"if-none-match"
IDEMPOTENCY_KEY: Final = b"idempotency-key"
_ENTITY_TAG: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


def check_media(request: Request, *, has_body: bool) -> None:
    """Refuse a request that does not accept JSON, or whose body is not JSON. Raises Stop."""
    if not accepts(request.header(b"accept"), JSON):
        raise Stop(problems.not_acceptable(JSON))
    if has_body and media_of(request.header(b"content-type")) != JSON:
        raise Stop(problems.unsupported_media(JSON))


def parameters_of(request: Request, known: frozenset[str]) -> dict[str, str]:
    """Return the parameters of the query. Raises Malformed for unknown and repeated ones."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Malformed("the query has too many parameters", "query", "send each parameter once") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("a parameter is sent twice", "query", "send each parameter once")
    for name in found:
        if name not in known:
            cure = f"use {', '.join(sorted(known)) or 'none'}"
            raise Malformed("there is no such parameter", name[:100], cure)
    return found


def window_of(resource: Resource, parameters: dict[str, str]) -> Window:
    """Return the part of a list that the parameters ask for. Raises Malformed."""
    organisation = parameters.get("organisation")
    return Window(
        _after(resource, parameters.get("cursor")),
        limit_of(parameters.get("limit")),
        None if organisation is None else _ods(organisation),
    )


def cursor_of(key: str) -> str:
    """Return the cursor of the list after a key."""
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def expected_version(request: Request) -> int | None:
    """Return the version that the caller replaces, NEW or ANY_VERSION; `None` without a header. Raises Malformed."""
    match, none_match = request.header(IF_MATCH), request.header(IF_NONE_MATCH)
    if match and none_match:
        raise Malformed("If-Match and If-None-Match exclude each other", "If-Match", "send one of them")
    if none_match:
        if none_match != "*":
            raise Malformed("If-None-Match has another value than *", "If-None-Match", "send * to create a record")
        return NEW
    if not match:
        return None
    if match == "*":
        return ANY_VERSION
    found = _ENTITY_TAG.fullmatch(match)
    if found is None or not int(found[1]):
        cure = 'send the ETag of the record as it came, such as "3"'
        raise Malformed("If-Match is not the ETag of a record", "If-Match", cure)
    return int(found[1])


def once_of(request: Request, by: Administrator, body: bytes) -> Once | None:
    """Return the hashes of the idempotency key and of the request, if there is a key. Raises Malformed."""
    key = request.header(IDEMPOTENCY_KEY)
    if not key:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Malformed("the key is not readable", "Idempotency-Key", "send 1 to 255 visible ASCII characters")
    role = () if by.role is None else (by.role.user, by.role.organisation, by.role.function)
    query = request.scope.get("query_string", b"").decode("latin-1")
    sent = (request.method, request.path, query, request.header(IF_MATCH), request.header(IF_NONE_MATCH))
    return Once(digest("idempotency", by.application, *role, key), digest(*sent, body.hex()))


def is_rehearsal(parameters: dict[str, str]) -> bool:
    """Return whether the call is a dry run. Raises Malformed."""
    wanted = parameters.get("dry_run", "false")
    if wanted not in ("true", "false"):
        raise Malformed("dry_run is neither true nor false", "dry_run", "send true or false")
    return wanted == "true"


def day_of(parameters: dict[str, str]) -> date | None:
    """Return the day in the parameter `on`, if it is sent. Raises Malformed."""
    if "on" not in parameters:
        return None
    try:
        return date.fromisoformat(parameters["on"])
    except ValueError:
        raise Malformed("on is not a date", "on", "send it as 2026-03-31") from None


def _after(resource: Resource, cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        key = ""
    if not KINDS[resource].is_key(key):
        raise Malformed("the cursor is not one of this list", "cursor", "send `next` of the previous page as it came")
    return key


def limit_of(limit: str | None) -> int:
    """Return the number of records on a page that the parameter asks for. Raises Malformed."""
    if limit is None:
        return USUAL_PAGE
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= MOST_ON_A_PAGE):
        raise Malformed("limit is out of range", "limit", f"send a number from 1 to {MOST_ON_A_PAGE}")
    return int(limit)


def _ods(organisation: str) -> OdsCode:
    try:
        return OdsCode(organisation)
    except ValueError as error:
        raise Malformed("the organisation is not an ODS code", "organisation", str(error)) from error
