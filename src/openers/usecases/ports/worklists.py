"""What worklists ask of the store. Beside `transaction.py`, whose rules hold here too.

A list is walked in its order along an index: what that costs follows from what is returned, not from what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol

from openers.domain.identifiers import NhsNumber, ServiceId, Ubrn
from openers.domain.principal import Principal
from openers.domain.referral_worklists import Worklist
from openers.domain.worklists import WorklistFilter


class Listed(NamedTuple):
    """One request of a list: which, in which version, about whom."""

    key: Ubrn
    version: int
    patient: NhsNumber


class Worklists(Protocol):
    """Lists of referrals: by priority, then who has waited longest, then by UBRN."""

    async def of_provider(
        self, worklist: Worklist, by: Principal, wanted: WorklistFilter, most: int
    ) -> Sequence[Listed]:
        """The first `most` members of a provider's list that are wanted and that `by` may see."""
        ...

    async def of_referrer(self, worklist: Worklist, by: Principal, most: int) -> Sequence[Listed]:
        """The first `most` members of a referrer's list: those of the organisation of `by`."""
        ...

    async def list_old(self, after: str, most: int) -> Ubrn | None:
        """List the next referrals, by UBRN, that were kept before there were lists; the last one, `None` at the end."""
        ...

    async def count_call(self, application: str, service: ServiceId, day: date) -> int:
        """Count one more call of an application for the lists of a service; how many there were on that day."""
        ...
