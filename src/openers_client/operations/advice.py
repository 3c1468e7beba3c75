"""Requests for advice: ask, read, respond, convert, and close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers_client.fhir import Json
from openers_client.operations.base import Call, Operations, Versioned, path
from openers_client.records import advice as records
from openers_client.records import referral as referrals
from openers_client.records.advice import AdviceRequest, Exchanged, Message
from openers_client.records.referral import Referral
from openers_client.requests import advice as requests
from openers_client.requests.advice import Closing, Conversion, Response
from openers_client.requests.attachments import Attachment
from openers_client.requests.shortlists import Question

ADVICE: Final = "/STU3/CommunicationRequest"
SENDERS: Final = "Communication:sender-practitionerrole:PractitionerRole"
"""A value of `_include` with which messages name who sent them."""


class Advice(Operations):
    """Operations on requests for advice. Each raises `ErsError`."""

    async def ask_for_advice(self, question: Question) -> Exchanged:
        """Ask a service for advice (A044)."""
        where = f"{ADVICE}/$ers.createAdviceAndGuidance"
        return records.exchanged(await self._json(Call(number="A044", method="POST", path=where, body=question.body())))

    async def read_advice_request(self, ubrn: str, version: int | None = None) -> AdviceRequest:
        """Read a request for advice (A024). With a `version`, raise NotFound if it is not the latest."""
        where = path(f"{ADVICE}/{{}}", ubrn)
        if version is not None:
            where = path(f"{ADVICE}/{{}}/_history/{{}}", ubrn, str(version))
        return records.advice_request(await self._json(Call(number="A024", method="GET", path=where, reads=True)))

    async def conversation(self, request: Versioned, include: Sequence[str] = ()) -> tuple[Message, ...]:
        """Read the messages of a request for advice (A025). `include` are published values of `_include`."""
        based_on = f"CommunicationRequest/{request.ubrn}/_history/{request.version}"
        query = [("based-on", based_on), *(("_include", each) for each in include)]
        call = Call(number="A025", method="GET", path="/STU3/Communication", reads=True, query=query)
        return records.messages(await self._json(call))

    async def send_response(self, request: Versioned, response: Response) -> Exchanged:
        """Respond to the requester (A026)."""
        call = _act("A026", request, "ers.sendCommunicationToRequester", response.body())
        return records.exchanged(await self._json(call))

    async def convert_advice(self, request: AdviceRequest, conversion: Conversion) -> Referral:
        """Convert a request for advice into a referral (A027)."""
        where = "/STU3/ReferralRequest/$ers.createFromCommunicationRequestActionLater"
        call = Call(number="A027", method="POST", path=where, body=conversion.body(request))
        return referrals.referral(await self._json(call))

    async def reply_to_provider(
        self,
        request: Versioned,
        text: str | None = None,
        files: Sequence[Attachment] = (),
        clinical_information: Sequence[Attachment] = (),
    ) -> Exchanged:
        """Reply to the provider, or add clinical information to the request (X001, an extension of OpenERS)."""
        body = requests.reply_to_provider(text, files, clinical_information)
        call = _act("X001", request, "openers.sendCommunicationToProvider", body)
        return records.exchanged(await self._json(call))

    async def close_advice(self, request: Versioned, closing: Closing) -> AdviceRequest:
        """Close a request for advice (X002, an extension of OpenERS)."""
        call = _act("X002", request, "openers.closeAdviceAndGuidance", closing.body())
        return records.advice_request(await self._json(call))


def _act(number: str, request: Versioned, operation: str, body: Json) -> Call:
    where = path(f"{ADVICE}/{{}}/${operation}", request.ubrn)
    return Call(number=number, method="POST", path=where, version=request.version, body=body)
