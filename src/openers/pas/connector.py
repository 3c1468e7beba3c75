"""Call Patient Administration Systems over HTTP. Implements the port `Pas`; bootstrap creates one for all of them.

Each readable HTTP reply other than success is a refusal (`PasRefused`), since the PAS has decided. Without a reply, or
with an unreadable one or a gateway error (502, 504), the outcome is unknown (`PasSilent`). A PAS is not trusted: its
replies are limited in size and strictly parsed. Redirects and links to other servers are not followed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

import aiohttp
import msgspec
from yarl import URL

from openers.domain.booking import PasAppointment, PasBooking, PasLink
from openers.domain.clock import Clock, Instant
from openers.domain.errors import PasRefused, PasSilent
from openers.domain.slots import PolledSlot
from openers.pas.fhir import (
    BOOKING_KEY,
    SERVICE,
    Unreadable,
    read_appointment,
    read_found_appointment,
    read_slot_page,
    shows_cancelled,
    write_booking,
    write_cancellation,
)

TIMEOUT_S: Final = 120.0
AWAITED_TIMEOUTS: Final = 1.5
"""Multiple of the timeout for which the outcome of an act is awaited: by then our own call has ended."""
CONNECT_TIMEOUT_S: Final = 10.0
CONNECTIONS_PER_PAS: Final = 1000
"""Maximum concurrent calls to one PAS; no limit covers all PASes, so one cannot starve the others."""
IDLE_CONNECTION_S: Final = 4.0
"""Shorter than the idle timeout of most servers, so that a booking does not meet a connection that is being closed."""
LONGEST_REPLY_BYTES: Final = 5 * 2**20
MOST_PAGES: Final = 200
SLOTS_A_PAGE: Final = 500
ROWS_KEPT: Final = SLOTS_A_PAGE
"""Rows of a poll that are kept as they came, for the report on it."""
JWT_LIFE_S: Final = 300
MEDIA_TYPE: Final = "application/fhir+json"

Sign = Callable[[dict[str, Any]], str]
"""Signs claims as a compact RS256 JWT with the key that the service publishes."""

T = TypeVar("T")

_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE})
_DEAD: Final = frozenset({"cancelled", "entered-in-error"})
_NO_WORD: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_ADDRESS: Final = re.compile(r"[!-~]{1,8000}")
_PORTS: Final = {"http": 80, "https": 443}


class _Call(msgspec.Struct, frozen=True):
    """One request; `headers` are those besides the usual ones."""

    method: str
    address: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}


class PasConnector:
    """All Patient Administration Systems that services are linked to. For one event loop."""

    def __init__(self, issuer: str, sign: Sign, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        """Store the service's base URL (`issuer`) and the wall clock; a call takes at most `timeout_s` seconds."""
        self._issuer, self._sign, self._clock = issuer, sign, clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        self._session: aiohttp.ClientSession | None = None
        self.awaited: Final = timedelta(seconds=AWAITED_TIMEOUTS * timeout_s)

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot; a repeat with the same key returns the same booking. Raises PasRefused, PasSilent."""
        only_once = {"If-None-Exist": f"identifier={BOOKING_KEY}|{booking.key}"}
        body = await self._ask(link, _Call("POST", f"{_base(link)}/Appointment", write_booking(booking), only_once))
        appointment = _read(read_appointment, body)
        if appointment.key != booking.key:
            raise PasSilent("the reply to a booking is about another booking")
        if appointment.status in _DEAD:
            raise PasRefused("the booking was made before and is cancelled")
        return appointment

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking; repeats are harmless. Raises PasRefused, PasSilent."""
        body = write_cancellation(appointment_id, reason)
        address = f"{_base(link)}/Appointment/{quote(appointment_id, safe='')}"
        answer = await self._ask(link, _Call("PUT", address, body))
        if not _read(lambda answer: shows_cancelled(answer, appointment_id), answer):
            raise PasSilent("the reply to a cancellation does not show it")

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Return the outcome of a booking; `None` if the PAS never made it. Raises PasSilent."""
        query = urlencode({"identifier": f"{BOOKING_KEY}|{key}"})
        try:
            body = await self._ask(link, _Call("GET", f"{_base(link)}/Appointment?{query}"))
        except PasRefused as refusal:
            raise PasSilent(refusal.reason) from refusal
        appointment = _read(read_found_appointment, body)
        if appointment is not None and appointment.key != key:
            raise PasSilent("the reply to a look-up is about another booking")
        return appointment

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Return slots that start from `start` until before `end`: the free ones, or all that changed since an instant.

        Each slot occurs once, in its last reported state. Raises PasRefused, PasSilent.
        """
        address: str | None = f"{_base(link)}/Slot?{_slot_query(link, start, end, changed_since)}"
        found: dict[str, PolledSlot] = {}
        for _ in range(MOST_PAGES):
            body = await self._ask(link, _Call("GET", address))
            kept = ROWS_KEPT - len(found)
            page = _read(lambda body, kept=kept: read_slot_page(body, link.service, kept), body)
            found.update({slot.pas_id: slot for slot in page.slots})
            if page.next is None:
                return tuple(found.values())
            address = _beside(address, page.next)
        raise PasRefused(f"more than {MOST_PAGES} pages of slots")

    async def close(self) -> None:
        """End all connections; calls in progress end in PasSilent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, link: PasLink, call: _Call) -> bytes:
        """Return the body of a successful reply. Raises PasRefused, PasSilent."""
        headers = {"Authorization": f"Bearer {self._token(_base(link))}", **call.headers}
        if call.body is not None:
            headers["Content-Type"] = MEDIA_TYPE
        address = URL(call.address, encoded=True)
        try:
            async with self._opened().request(
                call.method, address, data=call.body, headers=headers, allow_redirects=False
            ) as reply:
                _refuse_unless_done(reply.status)
                return await _whole(reply)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # The client retries other methods itself, so the first of two attempts may have been sent.
            raise PasSilent(f"no connection: {type(error).__name__}", sent=call.method != "POST") from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise PasSilent(f"no reply: {type(error).__name__}") from error

    def _token(self, audience: str) -> str:
        """Return a JWT for one call. Source: the contract with a PAS."""
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {"iss": self._issuer, "aud": audience, "iat": now, "exp": now + JWT_LIFE_S}
        return self._sign(claims | {"jti": secrets.token_urlsafe(16)})

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, limit_per_host=CONNECTIONS_PER_PAS, keepalive_timeout=IDLE_CONNECTION_S
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": MEDIA_TYPE, "Accept-Encoding": "identity"},
                timeout=self._timeout,
                auto_decompress=False,  # a small reply must not expand beyond its limit
            )
        return self._session


def _base(link: PasLink) -> str:
    """Return the FHIR base URL of the PAS. Raises PasRefused unless it is http or https."""
    if urlsplit(link.url).scheme not in _PORTS:
        raise PasRefused("its address is not one of http or https")
    return link.url.rstrip("/")


def _slot_query(link: PasLink, start: Instant, end: Instant, changed_since: Instant | None) -> str:
    asked = [
        ("schedule.actor:identifier", f"{SERVICE}|{link.service}"),
        ("start", f"ge{_written(start)}"),
        ("start", f"lt{_written(end)}"),
        ("_include", "Slot:schedule"),
        ("_count", str(SLOTS_A_PAGE)),
    ]
    if changed_since is not None:
        asked.append(("_lastUpdated", f"ge{_written(changed_since)}"))
    return urlencode(asked)


def _written(moment: Instant) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _beside(address: str, following: str) -> str:
    """Return the address of the next page, which must be on the same server, as our token is. Raises PasRefused."""
    try:
        joined = urljoin(address, following)
        same = _origin(urlsplit(joined)) == _origin(urlsplit(address))
    except ValueError:
        same, joined = False, ""
    if not same or not _ADDRESS.fullmatch(joined):
        raise PasRefused("the link to the next page points to another server")
    return joined


def _origin(parts: SplitResult) -> tuple[str, str | None, str | None, int | None]:
    """Return the origin of an address. Raises ValueError for an invalid port."""
    return parts.scheme, parts.hostname, parts.username, parts.port or _PORTS.get(parts.scheme)


def _refuse_unless_done(status: int) -> None:
    if status in _DONE:
        return
    if status in _NO_WORD or status < HTTPStatus.MULTIPLE_CHOICES:
        raise PasSilent(f"it returned {status}")
    raise PasRefused(f"it returned {status}", gone=status in _GONE)


async def _whole(reply: aiohttp.ClientResponse) -> bytes:
    """Return the body of a reply. Raises PasSilent if it is too long, ClientError, TimeoutError."""
    body = bytearray()
    async for part in reply.content.iter_any():
        body += part
        if len(body) > LONGEST_REPLY_BYTES:
            raise PasSilent(f"its reply is longer than {LONGEST_REPLY_BYTES} bytes")
    return bytes(body)


def _read(reader: Callable[[bytes], T], body: bytes) -> T:
    """Parse a successful reply. Raises PasSilent if it is unreadable."""
    try:
        return reader(body)
    except Unreadable as error:
        raise PasSilent(f"its reply breaks the contract: {error}") from error
