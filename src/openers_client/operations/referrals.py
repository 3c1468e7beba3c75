"""Referrals: create, read, change, cancel, and find them."""

from __future__ import annotations

from collections.abc import Sequence

from openers_client.operations.base import Call, Operations, Versioned, path
from openers_client.records import referral as records
from openers_client.records.referral import Action, Cancelled, FoundRequest, Referral, SentForTriage
from openers_client.requests import decisions
from openers_client.requests.attachments import Attachment
from openers_client.requests.shortlists import NewReferral, NewShortlist

REFERRALS = "/STU3/ReferralRequest"


class Referrals(Operations):
    """Operations on referrals. Each raises `ErsError`."""

    async def read_referral(self, ubrn: str, version: int | None = None) -> Referral:
        """Read a referral (A005). With a `version`, raise NotFound if it is not the latest."""
        where = path(f"{REFERRALS}/{{}}", ubrn) if version is None else path(HISTORY, ubrn, str(version))
        return records.referral(await self._json(Call(number="A005", method="GET", path=where, reads=True)))

    async def create_referral(self, new: NewReferral) -> Referral:
        """Create a referral from a shortlist (A011)."""
        where = f"{REFERRALS}/$ers.createReferral"
        return records.referral(await self._json(Call(number="A011", method="POST", path=where, body=new.body())))

    async def create_referral_and_send_for_triage(self, new: NewReferral) -> Referral:
        """Create a referral and send it to a triage service (A021)."""
        where, body = f"{REFERRALS}/$ers.createReferralAndSendForTriage", new.body("CreateReferralAndSendForTriage")
        return records.referral(await self._json(Call(number="A021", method="POST", path=where, body=body)))

    async def maintain_letter(self, referral: Versioned, files: Sequence[Attachment]) -> Referral:
        """Replace the files of a referral's letter (A012). Upload each file with the UBRN first."""
        body = decisions.letter(files)
        return records.referral(await self._json(act("A012", referral, "maintainReferralLetter", body)))

    async def change_shortlist(self, referral: Versioned, new: NewShortlist) -> Referral:
        """Replace the shortlist of a referral (A031)."""
        body = new.body("ChangeShortlist")
        return records.referral(await self._json(act("A031", referral, "changeShortlist", body)))

    async def change_shortlist_and_send_for_triage(self, referral: Versioned, new: NewShortlist) -> SentForTriage:
        """Replace the shortlist of a referral and send it for triage (A032)."""
        body = new.body("ChangeShortlistAndSendForTriage-Request")
        call = act("A032", referral, "changeShortlistAndSendForTriage", body)
        return records.sent_for_triage(await self._json(call))

    async def cancel_referral(self, referral: Versioned, reason: str, comments: str | None = None) -> Cancelled:
        """Cancel a referral (A036). `reason` is a code of REFERRAL-CANCELLATION-REASON."""
        body = decisions.cancellation_of_referral(reason, comments)
        return records.cancelled(await self._json(act("A036", referral, "cancelReferral", body)))

    async def available_actions(self, referral: Versioned) -> tuple[Action, ...]:
        """Return what the caller may do with a referral now (A029)."""
        focus = f"ReferralRequest/{referral.ubrn}/_history/{referral.version}"
        query = (("focus", focus), ("intent", "proposal"), ("status", "ready"))
        call = Call(number="A029", method="GET", path="/STU3/Task", reads=True, query=query)
        return records.actions(await self._json(call))

    async def find_requests(self, ubrn: str) -> tuple[FoundRequest, ...]:
        """Find the referral or request for advice with a UBRN (A041)."""
        query = (("identifier", ubrn),)
        call = Call(number="A041", method="GET", path="/R4/ServiceRequest", reads=True, query=query)
        return records.found_requests(await self._json(call))


HISTORY = f"{REFERRALS}/{{}}/_history/{{}}"


def act(number: str, record: Versioned, operation: str, body: dict[str, object] | None = None) -> Call:
    """Return the call of an operation on a referral in the version that was read."""
    where = path(f"{REFERRALS}/{{}}/$ers.{operation}", record.ubrn)
    return Call(number=number, method="POST", path=where, version=record.version, body=body)
