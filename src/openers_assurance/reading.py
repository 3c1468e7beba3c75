"""Read exchanges from lines of the exchange log (NDJSON), of any length, and sort them by the time of the request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Final

import msgspec

from openers_assurance.exchange import Exchange

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
