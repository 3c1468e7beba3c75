"""Read the calls of the API in a HAR file as exchanges.

The file is read as a whole, so it may have at most `MOST_HAR_BYTES`. It has no facts of the service: not how people log
in, and no certificates. In the API of 2018 calls name only the key of their session; its role is that of A001 and A002.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import Annotated, Any, Final, NamedTuple, cast
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from openers_assurance.exchange import LEGACY, SESSIONS, SUCCESS, Exchange
from openers_assurance.reading import UNREADABLE, UnreadableLog, possible

MOST_HAR_BYTES: Final = 512 * 2**20
KEEPS_VALUE: Final = frozenset({"page", "_count"})
NHS_NUMBER: Final = re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)", re.ASCII)
"""What may be a patient's number; the service masks the same."""
_KEY: Final = re.compile(r"(?is)(?<=/professionalsession/).+")
_KEY_HEADERS: Final = ("http-x-session-key", "x-session-key")
_ASID_HEADERS: Final = ("xapi-asid", "x-xapi-asid")
_ON_BEHALF_OF: Final = ("onBehalfOf", "onBehalfOfUser")
_UBRN: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_NAMED_UBRN: Final = re.compile(r"(?:ReferralRequest/|CommunicationRequest/|\"id\" ?: ?\")([0-9]{12})(?![0-9])")
_LONGEST_SEARCHED: Final = 64 * 1024


class _Pair(msgspec.Struct):
    name: str
    value: str = ""


class _PostData(msgspec.Struct):
    text: str = ""


class _Content(msgspec.Struct):
    size: int = 0
    text: str = ""


class _Request(msgspec.Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Pair] = []
    post_data: _PostData | None = None
    body_size: int = 0


class _Response(msgspec.Struct):
    status: int = 0
    headers: list[_Pair] = []
    content: _Content = msgspec.field(default_factory=_Content)


class _Entry(msgspec.Struct, rename="camel"):
    started_date_time: Annotated[datetime, msgspec.Meta(tz=True)]
    request: _Request
    response: _Response
    time: float = 0.0


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def read_har(content: bytes) -> Iterator[Exchange]:
    """Yield the calls of the e-Referral Service API in a HAR file. Raises UnreadableLog."""
    try:
        entries = msgspec.json.decode(content, type=_Har).log.entries
    except UNREADABLE as error:
        raise UnreadableLog(f"this is no HAR file ({error}): export one from your HTTP client or browser") from error
    sessions = _Sessions()
    for number, entry in enumerate(entries, 1):
        found = _of_entry(entry, sessions)
        if found is not None:
            yield possible(found, f"entry {number}")


class _Role(NamedTuple):
    """In which session and role a call is."""

    session: str = ""
    user: str = ""
    function: str = ""
    org: str = ""
    on_behalf_of: str = ""


class _Sessions:
    """The roles of the sessions of 2018 in a file."""

    def __init__(self) -> None:
        self._roles: dict[str, _Role] = {}

    def role_of(self, operation: str, url: SplitResult, entry: _Entry, headers: Mapping[str, str]) -> _Role:
        """Return the role of a call: after A001 and A002, what they have established."""
        establishes = operation in ("A001", "A002")
        told = _object(entry.response.content.text if establishes else "")
        named = _text(told, "id") if operation == "A001" else _first(headers, _KEY_HEADERS)
        key = named or "".join(_KEY.findall(unquote(url.path)))
        if not key:
            return _Role()
        session = _digest(key)
        role = self._roles.get(session) or _Role(session, session)
        if establishes and entry.response.status in SUCCESS:
            role = self._roles[session] = _established(role, told, url, entry)
        return role


def _established(role: _Role, told: Mapping[str, Any], url: SplitResult, entry: _Entry) -> _Role:
    """Return the role after a successful A001 or A002; `told` is the body of its reply."""
    sent = _object("" if entry.request.post_data is None else entry.request.post_data.text)
    names = [_text(sent, each) or _text(sent, each, "identifier") for each in _ON_BEHALF_OF]
    names += [value for name, _, value in _pairs(url.query) if name == _ON_BEHALF_OF[0]]
    chosen = sent if sent.get("permission") else told
    return role._replace(
        user=_text(told, "user", "identifier") or role.user,
        function=_text(chosen, "permission", "businessFunction") or role.function,
        org=_text(chosen, "permission", "orgIdentifier") or role.org,
        on_behalf_of=next(filter(None, names), role.on_behalf_of),
    )


def _of_headers(headers: Mapping[str, str]) -> _Role:
    """Return the role that a call of today's API names in its headers."""
    token = _digest(headers.get("authorization", ""))
    return _Role(
        session=token,
        user=token,
        function=headers.get("nhsd-ers-business-function", ""),
        org=headers.get("nhsd-end-user-organisation-ods", ""),
        on_behalf_of=headers.get("nhsd-ers-on-behalf-of-user-id", ""),
    )


def _of_entry(entry: _Entry, sessions: _Sessions) -> Exchange | None:
    """Return the exchange of an entry; `None` for addresses outside the API."""
    try:
        url = urlsplit(entry.request.url)
    except ValueError:
        return None
    known = operation_at(entry.request.method, url.path)
    if known is None:
        return None
    operation, generation = known
    sent, told = _named(entry.request.headers), _named(entry.response.headers)
    role = sessions.role_of(operation, url, entry, sent) if generation in LEGACY else _of_headers(sent)
    asid, path = _first(sent, _ASID_HEADERS), _masked(unquote(url.path))
    return Exchange(
        ts=entry.started_date_time,
        generation=generation,
        method=entry.request.method,
        path=path,
        status=entry.response.status,
        op=operation,
        parameters=_parameters(url.query),
        outcome_code=_code(entry.response),
        asid=asid,
        application="" if asid else "har",
        session_id=role.session,
        user=role.user,
        on_behalf_of=role.on_behalf_of,
        function=role.function,
        org=role.org,
        accept=sent.get("accept", ""),
        if_match=sent.get("if-match", ""),
        etag=told.get("etag", ""),
        ubrn="" if generation == SESSIONS else _ubrn(path, entry),
        request_id=told.get("x-request-id", ""),
        request_bytes=max(0, entry.request.body_size),
        bytes=max(0, entry.response.content.size),
        duration_ms=max(0.0, entry.time),
        client_aborted=not entry.response.status,
    )


@cache
def _addresses() -> Sequence[tuple[str, re.Pattern[str], tuple[str, str]]]:
    """Return method, pattern, operation and generation of each address, those without variables first."""
    rows = [line.split(",") for line in files("openers_assurance").joinpath("addresses.csv").read_text().splitlines()]
    rows.sort(key=lambda row: (row[3].count("{"), row))
    return [(method, address_pattern(path), (op, generation)) for op, generation, method, path in rows]


def operation_at(method: str, path: str) -> tuple[str, str] | None:
    """Return the operation and the generation at an address; the base of the service may have a path."""
    path = unquote(path).rstrip("/")
    for wanted, pattern, found in _addresses():
        if wanted == method and pattern.search(path):
            return found
    return None


def address_pattern(path: str) -> re.Pattern[str]:
    """Return the pattern of a path with variables in braces."""
    parts = ["[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")]
    return re.compile("/".join(parts) + "$")


def _named(pairs: Iterable[_Pair]) -> Mapping[str, str]:
    """Return headers by name, in lower case with a dash for each underscore."""
    return {pair.name.lower().replace("_", "-"): pair.value.strip() for pair in pairs}


def _first(headers: Mapping[str, str], names: Iterable[str]) -> str:
    return next((headers[name] for name in names if name in headers), "")


def _parameters(query: str) -> str:
    """Return the names of the parameters, with the values of those that cannot name a patient."""
    return ",".join(f"{name}={value}" if name in KEEPS_VALUE else name for name, _, value in _pairs(query))


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&") if pair]


def _masked(path: str) -> str:
    """Return a path without the keys of sessions, and without numbers that may be of a patient."""
    return _KEY.sub("{sessionKey}", NHS_NUMBER.sub("{nhsNumber}", path))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest() if text else ""


def _ubrn(path: str, entry: _Entry) -> str:
    """Return the UBRN in the address, in the request, or in the reply of a creation."""
    found = _UBRN.search(path)
    if found is not None:
        return found[0]
    sent = "" if entry.request.post_data is None else entry.request.post_data.text
    texts = (sent, entry.response.content.text if entry.request.method == "POST" else "")
    named = next(filter(None, (_NAMED_UBRN.search(text[:_LONGEST_SEARCHED]) for text in texts)), None)
    return "" if named is None else named[1]


def _code(response: _Response) -> str:
    """Return the code of a refusal, if the reply is JSON that has one."""
    if response.status < 400:
        return ""
    body = _object(response.content.text)
    try:
        return _text(body, "code") or str(body["issue"][0]["details"]["coding"][0]["code"])
    except (LookupError, TypeError):
        return ""


def _object(text: str) -> Mapping[str, Any]:
    """Return a JSON object; an empty one if the text is none."""
    try:
        found: Any = msgspec.json.decode(text)
    except UNREADABLE:
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _text(found: Any, *names: str) -> str:
    """Return the text at a place in an object; empty if there is none."""
    for name in names:
        found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
