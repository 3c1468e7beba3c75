"""Handle searches of the audit: who has seen the record of a patient."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar

import msgspec

from openers.api.admin.gate import administrator_of
from openers.api.admin.handlers import json_reply
from openers.api.admin.reading import check_media, limit_of, parameters_of
from openers.api.gateway import Gateway
from openers.api.http.reply import Reply
from openers.api.interaction import ActiveCall
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.usecases.administration.audit_search import SearchAudit, search_audit
from openers.usecases.administration.records import plain
from openers.usecases.administration.refusals import Malformed
from openers.wire.admin.audit import AuditPage, read_place, write_event, write_place

T = TypeVar("T")
PATIENT: Final = "nhs_number"
KNOWN: Final = frozenset({PATIENT, "from", "to", "person", "organisation", "operation", "limit", "cursor"})
LONGEST_OPERATION: Final = 200
YEARS: Final = range(1900, 3000)
_DAY: Final = "a day such as 2026-03-31"


class AuditHandlers(msgspec.Struct, frozen=True):
    """The handler of searches."""

    gateway: Gateway

    async def search(self, call: ActiveCall) -> Reply:
        """Return a page of the entries that concern a patient, the newest first."""
        by = await administrator_of(call.request, self.gateway, call.world)
        check_media(call.request, has_body=False)
        query = _query(parameters_of(call.request, KNOWN))
        found = await search_audit(query, by, call.world)
        shown = [write_event(each, found.people, found.organisations) for each in found.entries]
        page = AuditPage(items=shown, next=None if found.next is None else write_place(found.next))
        return json_reply(200, plain(page))


def _query(asked: dict[str, str]) -> SearchAudit:
    """Return the search that the parameters ask for. Raises Malformed."""
    patient = _read(asked, PATIENT, NhsNumber, NhsNumber.shape)
    if patient is None:
        raise Malformed("the patient is missing", PATIENT, "send the NHS number of the patient")
    first, last = _read(asked, "from", _day, _DAY), _read(asked, "to", _day, _DAY)
    if first is not None and last is not None and last < first:
        raise Malformed("the last day is before the first one", "to", "send a day that is not before `from`")
    return SearchAudit(
        patient=patient,
        first=first,
        last=last,
        person=_read(asked, "person", UserId, UserId.shape),
        organisation=_read(asked, "organisation", OdsCode, OdsCode.shape),
        operation=_read(asked, "operation", _operation, "a name such as A005"),
        before=_read(asked, "cursor", read_place, "`next` of the previous page as it came"),
        most=limit_of(asked.get("limit")),
    )


def _read(asked: dict[str, str], name: str, reader: Callable[[str], T], shape: str) -> T | None:
    """Return a parameter as `reader` reads it, if it was sent. Raises Malformed."""
    if name not in asked:
        return None
    try:
        return reader(asked[name])
    except ValueError as error:
        raise Malformed(f"{name} has another form", name, f"send {shape}") from error


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if found.year not in YEARS:
        raise ValueError("the year is out of range")
    return found


def _operation(text: str) -> str:
    if not 0 < len(text) <= LONGEST_OPERATION:
        raise ValueError("the name has another length")
    return text
