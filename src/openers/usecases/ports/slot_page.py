"""One page of the free slots of a service, and the question that it answers. Source: rules chapter 4 (A015)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.codes import Priority
from openers.domain.identifiers import ServiceId, UserId
from openers.domain.slots import Slot


class SlotQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which slots: of one service, perhaps of one clinician there, for one priority. Pages count from 1."""

    service: ServiceId
    priority: Priority
    count: int
    page: int
    clinician: UserId | None = None


class SlotPage(msgspec.Struct, frozen=True):
    """The slots of one page, earliest first, and how many there are in `total` on all pages."""

    query: SlotQuery
    slots: Sequence[Slot]
    total: int

    @property
    def more(self) -> bool:
        """Whether there is a page after this one."""
        return self.query.page * self.query.count < self.total
