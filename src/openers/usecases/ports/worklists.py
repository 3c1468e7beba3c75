"""The port for worklists. The rules in `transaction.py` apply here too.

A list is read in order along an index, so its cost depends on the entries returned, not on those stored.
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
    """One entry of a list: UBRN, version and patient."""

    key: Ubrn
    version: int
    patient: NhsNumber


class Worklists(Protocol):
    """Lists of referrals, sorted by priority, then by the longest wait, then by UBRN."""

    async def of_provider(
        self, worklist: Worklist, by: Principal, wanted: WorklistFilter, most: int
    ) -> Sequence[Listed]:
        """Return the first `most` entries of a provider's list that match `wanted` and that `by` may see."""
        ...

    async def of_referrer(self, worklist: Worklist, by: Principal, most: int) -> Sequence[Listed]:
        """Return the first `most` entries of a referrer's list: those of the organisation of `by`."""
        ...

    async def list_old(self, after: str, most: int) -> Ubrn | None:
        """Add the next older referrals to the lists, by UBRN; return the last UBRN added, `None` at the end."""
        ...

    async def count_call(self, application: str, service: ServiceId, day: date) -> int:
        """Count a call of an application for the lists of a service; return the number of calls on that day."""
        ...

    async def waiting(self, services: Sequence[ServiceId]) -> dict[ServiceId, int]:
        """Return how many referrals wait for the provider, by service; services without any are left out."""
        ...
