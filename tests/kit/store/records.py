"""Records and callers for the tests of the stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from openers.domain.audit import AuditEntry
from openers.domain.codes import LetterIntention, Priority
from openers.domain.identifiers import NhsNumber, OdsCode, RequestId, ServiceId, Ubrn, UserId
from openers.domain.lifecycle import ReferralState
from openers.domain.principal import BusinessFunction, Principal
from openers.domain.referral import Referral
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import Shortlist, ShortlistedService
from openers.usecases.ports.transaction import DueItem, Store, Stored, Tx

KEY: Final = bytes(range(32))
"""The audit key of the stores in these tests."""
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
OWNER: Final = OdsCode("D82106")
WORKGROUP: Final = "RCD/Cardiology"


def entry(about: str = "Test") -> AuditEntry:
    """Return an audit entry that its audit type identifies."""
    return AuditEntry(event_type="POST", audit_type=about, at=NOON)


def caller(
    function: BusinessFunction = BusinessFunction.REFERRING_CLINICIAN, organisation: str = OWNER, *workgroups: str
) -> Principal:
    """Return a caller in one role."""
    return Principal(
        user=UserId("555000000001"),
        organisation=OdsCode(organisation),
        function=function,
        application="test",
        session="session",
        workgroups=frozenset(workgroups),
    )


def referral(number: int, owner: str = OWNER, workgroup: str | None = None, reminder_days: int = 7) -> Referral:
    """Return a referral whose UBRN and request id come from `number`."""
    criteria = SearchCriteria(
        priority=Priority.URGENT, age_and_gender_appropriate=False, specialty="CARDIOLOGY", clinic_type="HEART_FAILURE"
    )
    return Referral(
        ubrn=Ubrn.of(number),
        request_id=RequestId(f"r.{UUID(int=number)}"),
        state=ReferralState.NOT_BOOKED,
        patient=NhsNumber("9912003888"),
        owner=OdsCode(owner),
        referrer=UserId("555000000001"),
        created_by=UserId("555000000002"),
        created=NOON,
        priority=Priority.URGENT,
        shortlist=Shortlist(criteria, (ShortlistedService(ServiceId("11002"), "Zürich 'quoted' \U0001f600 clinic"),)),
        letter_intention=LetterIntention.NEED_TO_ADD_LATER,
        reminder_days=reminder_days,
        commissioning_organisation=OdsCode(owner),
        workgroup=workgroup,
    )


async def add_referral(store: Store, new: Referral) -> Stored[Referral]:
    """Store a referral in its own transaction."""
    async with store.begin(entry("add")) as tx:
        return await tx.referrals.add(new)


async def found(store: Store, ubrn: Ubrn) -> Stored[Referral] | None:
    """Return the referral as its owner finds it."""
    async with store.read() as tx:
        return await tx.referrals.find(ubrn, caller())


async def claim(store: Store, now: datetime, most: int = 32, life: timedelta = MINUTE) -> list[DueItem]:
    """Claim due work of the kind `remind` in its own transaction."""
    async with store.begin(entry("claim")) as tx:
        return list(await tx.due.claim("remind", now, now + life, most))


async def fails_after_writing(tx: Tx, new: Referral) -> None:
    """Write records, then raise an error inside the transaction."""
    await tx.referrals.add(new)
    await tx.due.add("remind", new.ubrn, NOON)
    raise LookupError("the act breaks")
