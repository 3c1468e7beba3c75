"""What worklists ask of the store. Beside `ports.py`, whose rules hold here too.

A list is walked in its order along an index: what that costs follows from what is returned, not from what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol

import msgspec

from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, Ubrn, UserId
from openers.domain.principal import Principal
from openers.domain.worklists import Worklist


class Listed(NamedTuple):
    """One request of a list: which, in which version, about whom."""

    key: Ubrn
    version: int
    patient: NhsNumber


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for; `site` or `organisation` is where the service is, `unassigned` asks for what
    has no clinician."""

    service: ServiceId | None = None
    specialty: str | None = None
    clinician: UserId | None = None
    unassigned: bool = False
    site: OdsCode | None = None
    organisation: OdsCode | None = None


class Worklists(Protocol):
    """Lists of referrals: by priority, then who has waited longest, then by UBRN."""

    async def of_provider(self, worklist: Worklist, by: Principal, part: Narrowing, most: int) -> Sequence[Listed]:
        """The first `most` members, of those that `by` may see, in a part of a provider's list."""
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
