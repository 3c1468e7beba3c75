"""One page of the free slots of a service, and its query. Source: rules chapter 4 (A015)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.codes import Priority
from openers.domain.identifiers import ServiceId, UserId
from openers.domain.slots import Slot


class SlotQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for slots of one service for one priority, optionally of one clinician. Pages count from 1."""

    service: ServiceId
    priority: Priority
    count: int
    page: int
    clinician: UserId | None = None


class SlotPage(msgspec.Struct, frozen=True):
    """The slots of one page, earliest first; `total` counts the slots of all pages."""

    query: SlotQuery
    slots: Sequence[Slot]
    total: int

    @property
    def more(self) -> bool:
        """Whether another page follows."""
        return self.query.page * self.query.count < self.total
