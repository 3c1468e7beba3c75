"""Rules of behaviour after errors, and of load."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers_assurance.exchange import Exchange
from openers_assurance.history import History
from openers_assurance.rules.mark import KEPT, Mark, Rule, broken, rule

AT_ONCE: Final = timedelta(minutes=1)
"""Within this time, the same call after a refusal counts as a retry (ours)."""
MOST_CONNECTIONS: Final = 10
"""Calls of one endpoint at the same time, unless another number is agreed (ours)."""
MOST_RETRIES: Final = 3
PAUSE: Final = timedelta(seconds=1)
"""Shortest pause before a call is repeated after 429 or 503 (ours)."""
_OF_VERSIONS: Final = frozenset({"MISSING_HEADER", "PRECONDITION_FAILED", "REC_PRECONDITION_FAILED"})
"""Codes of 412 about If-Match; each other 412 is a business rule that does not hold."""
_LOCKED: Final = "REFERRAL_LOCKED"
"""The code of 409 for a request that another caller is changing."""
UNSETTLED: Final = (502, 504)


def _never(status: int) -> Rule:
    """Return the rule that a status does not occur in normal runs; one that was injected shows it."""

    def _judge(call: Exchange, _before: History) -> Mark | None:
        if call.status != status:
            return None
        return KEPT if call.injected_fault else broken(f"the service refused a call with {status}")

    return _judge


def _not_retried(status: int) -> Rule:
    """Return the rule that the same call is not sent again after a status."""

    def _judge(call: Exchange, before: History) -> Mark | None:
        earlier = before.same.get(call.subject)
        if earlier and earlier[-1].status == status and _is_retry(call, earlier[-1]):
            return broken(f"the same call was sent again after {status}")
        return KEPT if call.status == status else None

    return _judge


rule("ERR-001")(_never(400))
rule("ERR-004")(_never(405))
rule("ERR-002")(_not_retried(403))
rule("ERR-003")(_not_retried(404))
rule("ERR-006")(_not_retried(410))
rule("ERR-009")(_not_retried(422))


@rule("ERR-005")
def reloads_after_a_conflict(call: Exchange, before: History) -> Mark | None:
    """After a conflict of versions, the request is read before the next change."""
    failed = before.failed.get(call.ubrn) if call.ubrn else None
    if failed is None or failed.is_read or not _is_outdated(failed):
        return None
    if call.is_read:
        return KEPT if call.is_success else None
    return broken("a change was sent again after a conflict, and the request was not read between them")


@rule("ERR-000")
def sees_errors(call: Exchange, _before: History) -> Mark | None:
    """An error has occurred."""
    return KEPT if call.status >= 400 else None


def _sees_refusals(call: Exchange, _before: History) -> Mark | None:
    """The operation was refused, so that its message could be seen."""
    return KEPT if call.status >= 400 else None


for _id in ("A001-02", "A002-03", "A003-03", "A004-03", "A005-03", "A006-04", "A007-03", "A008-03"):
    rule(_id, on=[_id[:4]])(_sees_refusals)


@rule("ERR-007")
def sees_failed_assertions(call: Exchange, _before: History) -> Mark | None:
    """A failed assertion of the business rules has occurred."""
    return KEPT if call.status == 412 and not _is_outdated(call) else None


@rule("ERR-008")
def begins_again_after_the_last_page(call: Exchange, before: History) -> Mark | None:
    """After a page out of range, the client begins at the first page."""
    earlier = before.same.get(call.subject)
    if earlier and earlier[-1].status == 416:
        return KEPT if page_of(call) in (0, 1) else broken("after 416, the client did not begin at the first page")
    return None


@rule("ERR-010")
def retries_with_patience(call: Exchange, before: History) -> Mark | None:
    """After 500, a call is repeated three times at most, with growing pauses."""
    earlier = [each for each in before.same.get(call.subject) or () if each.status == 500]
    if not earlier or call.ts < earlier[-1].ended:
        return KEPT if call.status == 500 else None
    if len(earlier) > MOST_RETRIES and _is_retry(call, earlier[-1]):
        return broken(f"the call was repeated more than {MOST_RETRIES} times after 500")
    if call.ts - earlier[-1].ended < PAUSE / 2:
        return broken("the call was repeated at once after 500")
    if len(earlier) > 1 and call.ts - earlier[-1].ended <= earlier[-1].ts - earlier[-2].ended:
        return broken("the pauses between retries after 500 do not grow")
    return KEPT


def _reads_after(status: int) -> Rule:
    """Return the rule that after an unsettled change the request is read before anything is repeated."""

    def _judge(call: Exchange, before: History) -> Mark | None:
        failed = before.failed.get(call.ubrn) if call.ubrn else None
        if failed is None or failed.status != status or failed.is_read:
            return None
        if call.is_read:
            return KEPT
        return broken(f"after {status} of {failed.op}, {call.op} was sent before the request was read")

    return _judge


rule("ERR-011")(_reads_after(502))
rule("ERR-012")(_reads_after(504))


@rule("J-04")
def reads_after_an_unsettled_change(call: Exchange, before: History) -> Mark | None:
    """After 502 or 504 the outcome of a change is not known: the request is read before the next change."""
    for status in UNSETTLED:
        found = _reads_after(status)(call, before)
        if found is not None:
            return found
    return None


@rule("IO-06")
def throttles(call: Exchange, before: History) -> Mark | None:
    """An endpoint has at most the agreed number of calls at the same time."""
    running = before.running(call)
    if running > MOST_CONNECTIONS:
        return broken(f"{running} calls ran at the same time; at most {MOST_CONNECTIONS} are agreed")
    return KEPT


@rule("J-06")
def waits_when_asked(call: Exchange, before: History) -> Mark | None:
    """After 429 and 503 the client waits before it sends the call again."""
    earlier = before.same.get(call.subject)
    if not earlier or earlier[-1].status not in (429, 503) or call.ts < earlier[-1].ended:
        return None
    pause = call.ts - earlier[-1].ended
    if pause < PAUSE:
        milliseconds = round(pause / timedelta(milliseconds=1))
        return broken(f"the call was sent again {milliseconds} ms after {earlier[-1].status}")
    return KEPT


def page_of(call: Exchange) -> int:
    """Return the page that a call asks for; 0 if it names none."""
    for parameter in call.parameters.split(","):
        name, _, value = parameter.partition("=")
        if name == "page" and value.isascii() and value.isdigit():
            return int(value[:9])
    return 0


def _is_outdated(call: Exchange) -> bool:
    """Return whether a change was refused because of its version."""
    if call.status == 412:
        return call.outcome_code in _OF_VERSIONS
    return call.status == 409 and call.outcome_code != _LOCKED


def _is_retry(call: Exchange, earlier: Exchange) -> bool:
    """Return whether a call repeats an earlier one: soon after it, and with a body of the same length."""
    after = call.ts - earlier.ended
    return call.request_bytes == earlier.request_bytes and timedelta(0) <= after < AT_ONCE
