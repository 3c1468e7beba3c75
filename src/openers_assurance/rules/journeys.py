"""Rules of our own for A010 to A044, by the same pattern. No published requirement has these ids."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers_assurance.exchange import LEGACY, Exchange
from openers_assurance.history import SEARCHES, UPLOADS, WORKLISTS, History
from openers_assurance.rules.errors import page_of
from openers_assurance.rules.mark import KEPT, Mark, broken, rule

A_DAY: Final = timedelta(hours=24)
SHORTLISTS: Final = frozenset({"A011", "A021", "A031", "A032"})
"""Operations that send a shortlist of services."""


@rule("J-01", on=SHORTLISTS)
def searches_first(call: Exchange, before: History) -> Mark | None:
    """A shortlist holds services that the same user has searched for."""
    if not call.is_success:
        return None
    found = before.last(call, *SEARCHES)
    if found is None or call.ts - found.ts > A_DAY:
        return broken(f"{call.op} sent a shortlist, and its user had searched for no service in the day before")
    return KEPT


@rule("J-02")
def changes_what_was_read(call: Exchange, before: History) -> Mark | None:
    """If-Match is the version that the service has handed out last."""
    if not call.if_match or call.is_read or not call.ubrn:
        return None
    known = before.versions.get(call.ubrn)
    if known is None:
        if before.last(call, *WORKLISTS) is not None:  # worklists give versions too, and the log has no bodies
            return None
        return broken("a change was sent with a version that the client had not read")
    if call.if_match.removeprefix("W/") != known.removeprefix("W/"):
        return broken(f"If-Match is {call.if_match}, and the version handed out last was {known}")
    return KEPT


@rule("J-03", on=["A012"])
def uploads_first(call: Exchange, before: History) -> Mark | None:
    """The files of a referral letter are uploaded before the letter refers to them."""
    if not call.is_success:
        return None
    if before.last(call, *UPLOADS) is None:
        return broken("a referral letter was sent, and its user had uploaded no file (A020 or A039)")
    return KEPT


@rule("J-05", on=["A015"])
def turns_pages_in_order(call: Exchange, before: History) -> Mark | None:
    """Pages are asked for one after another, from the first one."""
    page = page_of(call)
    if not page or not call.is_success:
        return None
    if page == 1:
        return KEPT
    earlier = before.last(call, call.op)
    if earlier is None or page_of(earlier) not in (page - 1, page):
        return broken(f"page {page} was asked for without the page before it")
    return KEPT


@rule("J-07", on=WORKLISTS)
def uses_present_worklists(call: Exchange, _before: History) -> Mark | None:
    """Worklists come from the present version of the interface."""
    if not call.is_success:
        return None
    if call.generation in LEGACY:
        return broken(f"a worklist was fetched from an earlier version of the interface ({call.generation})")
    return KEPT
