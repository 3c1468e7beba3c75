"""The audit: who has seen the record of a patient."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from openers_client.administration.register import PAGE, AdminCalls, call_of, read_as
from openers_client.operations.base import Calling


@dataclass(frozen=True, kw_only=True)
class AuditSearch:
    """A search: the entries of a patient, between two days in London, of a person, and so on."""

    nhs_number: str
    first: date | None = None
    last: date | None = None
    person: str | None = None
    organisation: str | None = None
    operation: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """A call that concerns the patient: when, who in which role, what, and with which status (400 or more: refused).

    Texts that do not apply are empty. `patients` is how many patients the reply shows.
    """

    at: datetime
    person: str
    person_name: str
    on_behalf_of: str
    on_behalf_of_name: str
    organisation: str
    organisation_name: str
    function: str
    application: str
    audit_type: str
    operation: str
    act: str
    ubrn: str
    file: str
    patients: int
    outcome: int
    code: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """A page of entries, the newest first. `next` is the cursor of the next page, if any."""

    items: tuple[AuditEvent, ...]
    next: str | None


class Audit:
    """Searches of the audit. Each method raises `ErsError`. The searches are audited too."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        self._calls: Final = AdminCalls(calling)

    async def page(self, search: AuditSearch, cursor: str | None = None, page_size: int = PAGE) -> AuditPage:
        """Return one page of the entries that fit; an empty page may have a next one."""
        asked = (
            ("nhs_number", search.nhs_number),
            ("from", None if search.first is None else search.first.isoformat()),
            ("to", None if search.last is None else search.last.isoformat()),
            ("person", search.person),
            ("organisation", search.organisation),
            ("operation", search.operation),
            ("limit", str(page_size)),
            ("cursor", cursor),
        )
        query = [(name, value) for name, value in asked if value is not None]
        reply = await self._calls.send(call_of("GET", "/audit", reads=True, query=query))
        return read_as(reply.json(), AuditPage)

    async def all(self, search: AuditSearch, page_size: int = PAGE) -> AsyncIterator[AuditEvent]:
        """Yield all entries that fit, the newest first, page after page."""
        cursor: str | None = None
        while True:
            page = await self.page(search, cursor, page_size)
            for each in page.items:
                yield each
            cursor = page.next
            if cursor is None:
                return
