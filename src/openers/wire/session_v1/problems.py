"""The refusals that the session API adds to those of the edge: their statuses and rules."""

from __future__ import annotations

from typing import Final

from openers.domain.sessions.professional import SessionFault, SessionRefused
from openers.wire.dialect import EdgeProblem, Problem
from openers.wire.rules import Check, Rule

SESSION: Final = Rule(Check.TOKEN, "PROFESSIONAL_SESSION", "ADR 0072")
LEGACY_HEADER: Final = Rule(Check.APPLICATION, "LEGACY_HEADER", "ADR 0072")
_STATUSES: Final = {
    SessionFault.HEADERS_DIFFER: 400,
    SessionFault.ROLE_ALREADY_CHOSEN: 400,
    SessionFault.ON_BEHALF_OF_NOT_EXPECTED: 400,
    SessionFault.VALIDATION_FAILED: 422,
}
"""Statuses of faults; that of the others is 403."""


def session_problem(refused: SessionRefused) -> Problem:
    """Return the problem of a session that cannot be begun, changed or used."""
    status = _STATUSES.get(refused.fault, 403)
    return Problem(
        kind=EdgeProblem.ACCESS if status == 403 else EdgeProblem.VALUE,
        rule=SESSION,
        status=status,
        issue_code="forbidden" if status == 403 else "value",
        code=refused.fault,
        diagnostics=refused.text,
    )


def headers_differ(header: str, spellings: int) -> Problem:
    """Return the problem: one header in several spellings, or sent several times, with different values."""
    text = f"{header} was sent {spellings} times with different values. Send it once."
    return Problem(
        kind=EdgeProblem.VALUE,
        rule=LEGACY_HEADER,
        status=400,
        issue_code="value",
        code=SessionFault.HEADERS_DIFFER,
        diagnostics=text,
    )


def header_absent(header: str, proxy_header: str) -> Problem:
    """Return the problem: a header is missing that each call needs; `proxy_header` shows that a proxy is between."""
    text = f"The header {header} is missing."
    if proxy_header:
        text += (
            f" The call came through a proxy ({proxy_header}), which may drop headers with underscores. For nginx, set "
            "underscores_in_headers on; in the default server of the port."
        )
    return Problem(
        kind=EdgeProblem.ACCESS,
        rule=LEGACY_HEADER,
        status=403,
        issue_code="required",
        code="HEADER_MISSING",
        diagnostics=text,
    )
