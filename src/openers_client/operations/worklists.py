"""Worklists of referrals and of requests for advice."""

from __future__ import annotations

from openers_client.operations.base import Call, Operations
from openers_client.records import worklists as records
from openers_client.records.worklists import WorklistRow
from openers_client.requests.worklists import Filters, fetch


class Worklists(Operations):
    """Operations on worklists. Each raises `ErsError`."""

    async def worklist(self, list_type: str, filters: Filters | None = None) -> tuple[WorklistRow, ...]:
        """Fetch a worklist of referrals (A008), for example AWAITING_BOOKING or REFERRALS_FOR_REVIEW."""
        where = "/STU3/ReferralRequest/$ers.fetchworklist"
        body = fetch(list_type, "ReferralListSelector", filters)
        return records.rows(await self._json(Call(number="A008", method="POST", path=where, reads=True, body=body)))

    async def advice_worklist(
        self, list_type: str = "ADVICE_AND_GUIDANCE_REQUESTS", filters: Filters | None = None
    ) -> tuple[WorklistRow, ...]:
        """Fetch a worklist of requests for advice (A023)."""
        where = "/STU3/CommunicationRequest/$ers.fetchworklist"
        body = fetch(list_type, "CommunicationListSelector", filters)
        return records.rows(await self._json(Call(number="A023", method="POST", path=where, reads=True, body=body)))
