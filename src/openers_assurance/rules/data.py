"""Rules of reference data, FHIR, clinical information and worklists."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers_assurance.exchange import Exchange
from openers_assurance.history import UPLOADS, History
from openers_assurance.rules.mark import KEPT, Mark, broken, rule

CODES_LAST: Final = timedelta(days=7)
"""How long a client may use code lists before it reads them again (ours)."""
CODED: Final = frozenset({"A011", "A014", "A021", "A022", "A028", "A034", "A036", "A044"})
"""Operations that send values of the dynamic code lists."""


@rule("GTR-001", on=[*CODED, "A004"])
def follows_reference_data(call: Exchange, before: History) -> Mark | None:
    """Code lists are read at least every seven days before coded values are sent."""
    if call.op == "A004":
        return KEPT if call.is_success else None
    if not call.is_success:
        return None
    if before.codes_read is None or call.ts - before.codes_read > CODES_LAST:
        return broken("coded values were sent, and no code list was read in the seven days before (A004)")
    return KEPT


@rule("GTR-002")
def follows_fhir(call: Exchange, _before: History) -> Mark | None:
    """Requests are well formed, and have the methods and media types of FHIR."""
    if call.is_success:
        return KEPT
    is_malformed = call.status in (400, 405, 406, 415) and not call.injected_fault
    return broken(f"the request is not as FHIR and the interface want it ({call.status})") if is_malformed else None


@rule("A004-01", on=["A004"])
def reads_code_lists(call: Exchange, _before: History) -> Mark | None:
    """A004 succeeds in a valid session."""
    if call.is_success:
        return KEPT
    return broken("A004 was called without a valid session") if call.status in (401, 403) else None


@rule("A004-02", on=["A004"])
def names_the_code_list(call: Exchange, _before: History) -> Mark | None:
    """A004 names a code list that exists."""
    if call.is_success:
        return KEPT
    return broken("A004 named a code list that does not exist") if _is_missing(call) else None


@rule("A005-02", on=["A005"])
def reads_requests(call: Exchange, _before: History) -> Mark | None:
    """A005 names a request that exists."""
    if call.is_success:
        return KEPT if call.ubrn else None
    return broken("A005 named a UBRN that does not exist") if _is_missing(call) else None


@rule("A006-02", on=["A006"])
def retrieves_delivered_files(call: Exchange, before: History) -> Mark | None:
    """A file is retrieved at an address that the service has delivered with a request."""
    if _is_missing(call):
        return broken("the address of the file was never delivered")
    if not call.is_success:
        return None
    shown = before.last(call, "A005", "A024", "A025", *UPLOADS)
    return KEPT if shown is not None else broken("a file was retrieved before a request with files was read")


@rule("A006-03", on=["A006"])
def accepts_the_real_type(call: Exchange, _before: History) -> Mark | None:
    """The header Accept is absent, or admits the real type of the file."""
    if call.status == 406:
        return broken(f"Accept ({call.accept}) does not admit the type of the file")
    return KEPT if call.is_success else None


@rule("A007-02", on=["A007"])
def takes_the_whole_summary(call: Exchange, _before: History) -> Mark | None:
    """The PDF is taken to its end."""
    if call.client_aborted and not call.injected_fault:
        return broken("the client left before it had the whole document")
    return KEPT if call.is_success and call.bytes else None


@rule("A008-02", on=["A008"])
def asks_for_worklists(call: Exchange, _before: History) -> Mark | None:
    """A008 sends a type of list and proper filters."""
    if call.is_success:
        return KEPT
    is_wrong = call.status in (400, 422) and not call.injected_fault
    return broken("the type of list or a filter is wrong") if is_wrong else None


@rule("GTR-003", on=["A010"])
def searches_by_terms(call: Exchange, _before: History) -> Mark | None:
    """A search, in which clinical terms may have been sent, succeeds."""
    return KEPT if call.is_success else None


def _is_missing(call: Exchange) -> bool:
    return call.status == 404 and not call.injected_fault
