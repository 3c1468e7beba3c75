"""Read exchanges: lines of the exchange log (NDJSON), or a HAR file. Sort them by the time of the request.

A HAR file is read as a whole, so it may have at most `MOST_HAR_BYTES`. A log of any length is read line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from heapq import heappop, heappush
from importlib.resources import files
from typing import Annotated, Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from openers_assurance.exchange import Exchange

MOST_HAR_BYTES: Final = 512 * 2**20
LONGEST_LINE: Final = 64 * 1024
FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Times of calls; beyond them, sums of times may fail."""
LONGEST_MS: Final = 86_400_000
"""The longest duration of a call: a day."""
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, ValueError)
"""What JSON of any content may raise; RecursionError comes from deep nesting."""
WINDOW: Final = timedelta(seconds=15)
"""How much later than its successors an exchange may come: calls are logged when they end, by several processes."""
MOST_WAITING: Final = 100_000
"""Exchanges that wait to be sorted at most."""
KEEPS_VALUE: Final = frozenset({"page", "_count"})
_UBRN: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_NAMED_UBRN: Final = re.compile(r"(?:ReferralRequest/|CommunicationRequest/|\"id\" ?: ?\")([0-9]{12})(?![0-9])")
_LONGEST_SEARCHED: Final = 64 * 1024
_decode: Final = msgspec.json.Decoder(Exchange).decode


class UnreadableLog(ValueError):
    """A file is not a log of exchanges; the text gives the place and the cure."""


def read_ndjson(lines: Iterable[bytes | str]) -> Iterator[Exchange]:
    """Yield the exchanges of a log, one in each line. Raises UnreadableLog."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            raise UnreadableLog(f"line {number} has more than {LONGEST_LINE} bytes: it is no line of an exchange log")
        try:
            found = _decode(line)
        except UNREADABLE as error:
            cure = "export the log by GET /admin/v1/exchanges, or give a HAR file the ending .har"
            raise UnreadableLog(f"line {number} is no exchange ({error}): {cure}") from error
        if found.ts.tzinfo is None:
            found = msgspec.structs.replace(found, ts=found.ts.replace(tzinfo=UTC))
        yield possible(found, f"line {number}")


def possible(exchange: Exchange, place: str) -> Exchange:
    """Return an exchange whose time and duration a call can have. Raises UnreadableLog."""
    if FIRST <= exchange.ts < LAST and 0 <= exchange.duration_ms <= LONGEST_MS:
        return exchange
    told = f"{exchange.ts.isoformat()}, {exchange.duration_ms:g} ms"
    cure = f"times are from {FIRST.year} to {LAST.year - 1}, and a call takes {LONGEST_MS} ms at most"
    raise UnreadableLog(f"{place} has a time or a duration that no call has ({told}): {cure}")


class Sorter:
    """Sorts exchanges by the time of the request. The last ones wait, in bounded memory, for others before them."""

    def __init__(self) -> None:
        """Begin without exchanges."""
        self._waiting: list[tuple[datetime, int, Exchange]] = []
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._count = 0

    def add(self, exchange: Exchange) -> Iterator[Exchange]:
        """Add an exchange; yield those that no later one precedes."""
        self._count += 1
        heappush(self._waiting, (exchange.ts, self._count, exchange))
        self._latest = max(self._latest, exchange.ts)
        while self._latest - self._waiting[0][0] > WINDOW or len(self._waiting) > MOST_WAITING:
            yield heappop(self._waiting)[2]

    @property
    def waiting(self) -> Sequence[Exchange]:
        """Return those that wait, in order."""
        return [each for _, _, each in sorted(self._waiting)]


def in_order(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Yield exchanges by the time of the request, in bounded memory."""
    sorter = Sorter()
    for each in exchanges:
        yield from sorter.add(each)
    yield from sorter.waiting


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
    for number, entry in enumerate(entries, 1):
        found = _of_entry(entry)
        if found is not None:
            yield possible(found, f"entry {number}")


def _of_entry(entry: _Entry) -> Exchange | None:
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
    token = _digest(sent.get("authorization", "") or sent.get("http_x_session_key", ""))
    return Exchange(
        ts=entry.started_date_time,
        generation=generation,
        method=entry.request.method,
        path=url.path,
        status=entry.response.status,
        op=operation,
        parameters=_parameters(url.query),
        outcome_code=_code(entry.response),
        asid=sent.get("xapi_asid", ""),
        application="" if "xapi_asid" in sent else "har",
        session_id=token,
        user=token,
        on_behalf_of=sent.get("nhsd-ers-on-behalf-of-user-id", ""),
        function=sent.get("nhsd-ers-business-function", ""),
        org=sent.get("nhsd-end-user-organisation-ods", ""),
        accept=sent.get("accept", ""),
        content_type=sent.get("content-type", ""),
        if_match=sent.get("if-match", ""),
        etag=told.get("etag", ""),
        ubrn=_ubrn(url.path, entry),
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
    return {pair.name.lower(): pair.value.strip() for pair in pairs}


def _parameters(query: str) -> str:
    """Return the names of the parameters, with the values of those that cannot name a patient."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return ",".join(f"{name}={value}" if name in KEEPS_VALUE else name for name, _, value in pairs)


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
    try:
        body: Any = msgspec.json.decode(response.content.text)
        code: Any = body["issue"][0]["details"]["coding"][0]["code"]
    except (*UNREADABLE, LookupError, TypeError):
        return ""
    return str(code)
