"""Which address shows which page. All pages stand below the role in which the user works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response

from openers_quickconnect.desk import Desk
from openers_quickconnect.pages import (
    advice,
    audit,
    booking,
    commissioning,
    deciding,
    home,
    letters,
    new_request,
    patients,
    referrals,
    registers,
    shortlist,
    workgroups,
    worklists,
)
from openers_quickconnect.pages.services import listing, publishing, section, seeing, service

Page = Callable[[Desk], Awaitable[Response]]

READ: Final = ("GET",)
FORM: Final = ("GET", "POST")

PAGES: Final[tuple[tuple[str, tuple[str, ...], Page], ...]] = (
    ("", READ, home.home),
    ("/find", READ, home.find),
    ("/patients", FORM, patients.search),
    ("/patients/{patient}", READ, patients.patient),
    ("/patients/{patient}/new", READ, new_request.need),
    ("/patients/{patient}/services", READ, new_request.services),
    ("/patients/{patient}/details", FORM, new_request.details),
    ("/worklists/{list}", READ, worklists.worklist),
    ("/worklists/{list}/views", FORM, worklists.views),
    ("/referrals/{ubrn}", READ, referrals.referral),
    ("/referrals/{ubrn}/slots", FORM, booking.slots),
    ("/referrals/{ubrn}/send", FORM, booking.send),
    ("/referrals/{ubrn}/cancel-appointment", FORM, booking.cancel_appointment),
    ("/referrals/{ubrn}/cancel", FORM, deciding.cancel),
    ("/referrals/{ubrn}/review", FORM, deciding.review),
    ("/referrals/{ubrn}/outcome", FORM, deciding.outcome),
    ("/referrals/{ubrn}/next", READ, deciding.next_in_queue),
    ("/referrals/{ubrn}/shortlist", FORM, shortlist.shortlist),
    ("/referrals/{ubrn}/letter", FORM, letters.letter),
    ("/referrals/{ubrn}/files/{file}", READ, letters.file),
    ("/referrals/{ubrn}/letter.pdf", READ, letters.print_letter),
    ("/referrals/{ubrn}/summary.pdf", READ, letters.print_summary),
    ("/advice/{ubrn}", FORM, advice.conversation),
    ("/advice/{ubrn}/conversation.pdf", READ, letters.print_conversation),
    ("/advice/{ubrn}/next", READ, advice.next_in_queue),
    *(
        (f"/{name}{below}", methods, page)
        for name in registers.KINDS
        for below, methods, page in (
            ("", READ, registers.records),
            ("/new", FORM, registers.record),
            ("/record/{key:path}", FORM, registers.record),
            ("/end/{key:path}", FORM, registers.end),
        )
    ),
    ("/audit", FORM, audit.search),
    ("/audit/{patient}", READ, audit.found),
    ("/commissioning", READ, commissioning.services),
    ("/commissioning/{service}", FORM, commissioning.rule),
    ("/commissioning/{service}/withdraw", FORM, commissioning.withdraw),
    ("/workgroups", READ, workgroups.workgroups),
    ("/workgroups/{workgroup:path}", FORM, workgroups.workgroup),
    ("/services", READ, listing.services),
    ("/services/new", FORM, listing.new),
    ("/services/{service}", READ, service.service),
    ("/services/{service}/sections/{section}", FORM, section.section),
    ("/services/{service}/publish", FORM, publishing.publish),
    ("/services/{service}/hide", FORM, publishing.hide),
    ("/services/{service}/discard", FORM, publishing.discard),
    ("/services/{service}/end", FORM, publishing.end),
    ("/services/{service}/copy", FORM, publishing.copy),
    ("/services/{service}/versions", READ, publishing.versions),
    ("/services/{service}/pas", FORM, seeing.pas),
    ("/services/{service}/seen", READ, seeing.seen),
)
"""Path below the role, methods, page."""
