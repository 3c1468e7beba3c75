"""Claims and links in SQL: calls to a PAS in progress, addresses and polls of each PAS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, select, update

from openers.domain.booking import Claim, PasLink
from openers.domain.identifiers import ServiceId, Ubrn
from openers.domain.services.poll_report import PollReport
from openers.domain.slots import PollState
from openers.store.engine.statements import Connection, Statement, add_once, decoder, encode, micros, upsert
from openers.store.engine.tables import claims, pas_links, poll_reports, polls
from openers.store.registers.registers import SqlRegisters

_ADD_CLAIM: Final = add_once(claims)
_CLAIM: Final = Statement(select(claims.c.body).where(claims.c.ubrn == bindparam("of_ubrn")))
_DROP_CLAIM: Final = Statement(
    delete(claims).where(claims.c.ubrn == bindparam("of_ubrn"), claims.c.key == bindparam("of_key"))
)
_LINK: Final = Statement(select(pas_links.c.body).where(pas_links.c.service == bindparam("of_service")))
_LINKS: Final = Statement(select(pas_links.c.body).order_by(pas_links.c.service))

_FORGOTTEN: Final = b""
"""Body of a poll state that was reset. The row is kept, so that polls and resets wait for each other."""
_FORGET_POLL: Final = upsert(polls)
_ADD_POLL: Final = add_once(polls)
_PUT_POLL: Final = Statement(
    update(polls)
    .where(polls.c.service == bindparam("of_service"), polls.c.body == bindparam("was"))
    .values(body=bindparam("body"))
)
_POLL: Final = Statement(select(polls.c.body).where(polls.c.service == bindparam("of_service")))
_POLLS: Final = Statement(select(polls.c.body).where(polls.c.body != bindparam("forgotten")).order_by(polls.c.service))

_REPORT: Final = Statement(select(poll_reports.c.body).where(poll_reports.c.service == bindparam("of_service")))
_PUT_REPORT: Final = upsert(poll_reports)

_poll: Final = decoder(PollState)
_report: Final = decoder(PollReport)
_claim: Final[msgspec.json.Decoder[Claim]] = decoder(Claim)
_link: Final = decoder(PasLink)


class SqlClaims:
    """The `Claims` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def add(self, claim: Claim) -> bool:
        """Add a claim; return `False` and store nothing if the referral or the slot is already claimed."""
        row = {
            "ubrn": claim.ubrn,
            "key": claim.key,
            "slot": int(claim.slot),
            "expires": micros(claim.expires),
            "body": encode(claim),
        }
        return await self._connection.run(_ADD_CLAIM, row) == 1

    async def get(self, ubrn: Ubrn) -> Claim | None:
        """Return the claim on a referral."""
        row = await self._connection.row(_CLAIM, {"of_ubrn": ubrn})
        return None if row is None else _claim.decode(row[0])

    async def release(self, claim: Claim) -> bool:
        """Remove a claim; return `False` if another caller has removed it already."""
        return await self._connection.run(_DROP_CLAIM, {"of_ubrn": claim.ubrn, "of_key": claim.key}) == 1


class SqlLinks:
    """The `Links` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, service: ServiceId) -> PasLink | None:
        """Return the link of a service to its PAS, if it has one."""
        row = await self._connection.row(_LINK, {"of_service": int(service)})
        return None if row is None else _link.decode(row[0])

    async def put(self, link: PasLink) -> None:
        """Add or replace the link of a service."""
        await SqlRegisters(self._connection).links.put(link)

    async def polled(self, service: ServiceId) -> PollState | None:
        """Return when the service was last polled, if ever."""
        row = await self._connection.row(_POLL, {"of_service": int(service)})
        return None if row is None or row[0] == _FORGOTTEN else _poll.decode(row[0])

    async def polls(self) -> Sequence[PollState]:
        """Return the last poll of each service that was ever polled."""
        return [_poll.decode(row[0]) for row in await self._connection.rows(_POLLS, {"forgotten": _FORGOTTEN})]

    async def forget_polled(self, service: ServiceId) -> None:
        """Reset the poll state of a service, so that its next poll requests all slots."""
        await self._connection.run(_FORGET_POLL, {"service": int(service), "body": _FORGOTTEN})

    async def put_polled(self, state: PollState, was: PollState | None) -> bool:
        """Store the last poll of a service; return `False` and store nothing if it was changed or reset meanwhile."""
        if was is None:
            await self._connection.run(_ADD_POLL, {"service": int(state.service), "body": _FORGOTTEN})
        before = _FORGOTTEN if was is None else encode(was)
        values = {"of_service": int(state.service), "was": before, "body": encode(state)}
        return await self._connection.run(_PUT_POLL, values) == 1

    async def report(self, service: ServiceId) -> PollReport | None:
        """Return the report on the last poll of a service, if it was ever polled."""
        row = await self._connection.row(_REPORT, {"of_service": int(service)})
        return None if row is None else _report.decode(row[0])

    async def put_report(self, report: PollReport) -> None:
        """Store the report on the last poll of a service."""
        await self._connection.run(_PUT_REPORT, {"service": int(report.service), "body": encode(report)})

    async def all(self) -> Sequence[PasLink]:
        """Return all links, by service."""
        return [_link.decode(row[0]) for row in await self._connection.rows(_LINKS, {})]
