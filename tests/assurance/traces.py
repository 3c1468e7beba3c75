"""Short traces of calls for each rule: one that keeps the requirement, and one that breaks it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from openers_assurance import Exchange

START: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
UBRN: Final = "000000070000"
ADMIN: Final = "SERVICE_PROVIDER_CLINICIAN_ADMIN"
Trace = list[dict[str, Any]]
"""Calls, each with what differs from `_USUAL`; `after` is the pause before it in seconds, 10 by default."""
_USUAL: Final[dict[str, Any]] = {
    "generation": "STU3",
    "method": "GET",
    "status": 200,
    "asid": "200000000001",
    "application": "test",
    "user": "555073103100",
    "function": "REFERRING_CLINICIAN",
    "org": "D82106",
    "sessionId": "s1",
    "logIn": "N3_SMARTCARD",
    "durationMs": 100.0,
}


def exchanges(trace: Trace) -> list[Exchange]:
    """Return the exchanges of a trace."""
    made: list[Exchange] = []
    now = START
    for number, call in enumerate(trace):
        facts: dict[str, Any] = {**_USUAL, "path": f"/x/{call.get('op', '')}", "requestId": f"r{number}", **call}
        now += timedelta(seconds=facts.pop("after", 10))
        made.append(msgspec.convert({**facts, "ts": now.isoformat()}, Exchange))
    return made


def call(op: str, **facts: Any) -> dict[str, Any]:
    """Return a read, or what `facts` make of it."""
    return {"op": op, **facts}


def change(op: str, **facts: Any) -> dict[str, Any]:
    """Return a change of the request."""
    return {"op": op, "method": "POST", "ubrn": UBRN, **facts}


def old(op: str, **facts: Any) -> dict[str, Any]:
    """Return a call of the API of 2018."""
    return {"op": op, "generation": "session" if op < "A004" else "DSTU2", "logIn": "", **facts}


READ: Final = call("A005", ubrn=UBRN, etag='W/"5"')
OPEN: Final = old("A001", method="POST", status=201, act="begin professional session")
TYPED: Final = old("A001", method="POST", status=201, act="begin professional session without a smartcard")
ROLE: Final = old("A002", method="PUT")
CLOSE: Final = old("A003", method="DELETE")
GONE: Final = old("A005", status=403, outcomeCode="SESSION_NOT_FOUND")
SEARCH: Final = call("A010", method="POST")
CODES: Final = call("A004")


def _refused(status: int, **facts: Any) -> dict[str, Any]:
    return call("A005", ubrn=UBRN, status=status, **facts)


def _broken_off(status: int) -> Trace:
    return [READ, change("A034", status=status, after=1), change("A034", after=5)]


def _settled(status: int) -> Trace:
    return [READ, change("A034", status=status), READ, change("A034")]


_SAFE: Final = {id: ([call(op)], [call(op, user="", function="")]) for id, op in (
    ("A005-01", "A005"), ("A006-01", "A006"), ("A007-01", "A007"), ("A008-01", "A008"),
)}  # fmt: skip
_RETRIED: Final = {id: ([_refused(status), READ], [_refused(status), _refused(200)]) for id, status in (
    ("ERR-002", 403), ("ERR-003", 404), ("ERR-006", 410), ("ERR-009", 422),
)}  # fmt: skip
for _kept, _ in _RETRIED.values():
    _kept[1] = {**READ, "path": "/x/other"}

TRACES: Final[dict[str, tuple[Trace, Trace]]] = {
    **_SAFE,
    **_RETRIED,
    "GTR-001": ([CODES, change("A011")], [change("A011")]),
    "GTR-002": ([READ], [call("A005", status=406)]),
    "AUT-001": ([OPEN], [TYPED]),
    "AUT-002": ([OPEN], [TYPED]),
    "AUT-003": ([OPEN, ROLE, GONE], [OPEN, ROLE, GONE, GONE]),
    "A003-01": ([OPEN, ROLE, CLOSE], [OPEN, ROLE, GONE, GONE]),
    "AUT-004": ([OPEN, ROLE, CLOSE], [OPEN, ROLE, GONE]),
    "SEC-001": ([READ], [call("A005", status=403, cn="other.example", function="", org="")]),
    "SEC-002": ([OPEN, ROLE], [OPEN, ROLE, old("A005", org="RCD")]),
    "IO-06": ([READ] * 3, [{**READ, "after": 0, "durationMs": 9000.0}] * 11),
    "A001-01": ([OPEN], [old("A001", method="POST", status=403, outcomeCode="HEADER_MISSING")]),
    "A002-01": ([OPEN, ROLE], [OPEN, {**ROLE, "status": 403, "outcomeCode": "PERMISSION_NOT_HELD"}]),
    "A002-02": (
        [OPEN, {**ROLE, "function": ADMIN, "onBehalfOf": "555032006106"}],
        [OPEN, old("A005", function=ADMIN, status=403, outcomeCode="SESSION_NOT_ESTABLISHED")],
    ),
    "A003-02": ([OPEN, ROLE, CLOSE], [OPEN, ROLE]),
    "A004-01": ([CODES], [call("A004", status=401)]),
    "A004-02": ([CODES], [call("A004", status=404)]),
    "A005-02": ([READ], [_refused(404)]),
    "A006-02": ([READ, call("A006")], [call("A006")]),
    "A006-03": ([call("A006", accept="*/*")], [call("A006", status=406, accept="text/plain")]),
    "A007-02": ([call("A007", bytes=900)], [call("A007", status=0, clientAborted=True)]),
    "A008-02": ([call("A008", method="POST")], [call("A008", method="POST", status=422)]),
    "ERR-001": ([call("A005", status=400, injectedFault="FAILURE")], [call("A005", status=400)]),
    "ERR-004": ([call("A005", status=405, injectedFault="FAILURE")], [call("A005", status=405)]),
    "ERR-005": (
        [change("A034", status=409), READ, change("A034")],
        [change("A034", status=409), change("A034", path="/x/later")],
    ),
    "ERR-008": (
        [call("A015", status=416, parameters="page=9"), call("A015", parameters="page=1")],
        [call("A015", status=416, parameters="page=9"), call("A015", parameters="page=10")],
    ),
    "ERR-010": (
        [_refused(500), _refused(500, after=3), _refused(200, after=9)],
        [_refused(500), _refused(500, after=0.2)],
    ),
    "ERR-011": (_settled(502), _broken_off(502)),
    "ERR-012": (_settled(504), _broken_off(504)),
    "J-01": ([SEARCH, change("A011")], [change("A011")]),
    "J-02": ([READ, change("A034", ifMatch='W/"5"')], [READ, change("A034", ifMatch='W/"4"')]),
    "J-03": ([call("A020", method="POST"), change("A012")], [change("A012")]),
    "J-04": (_settled(504), _broken_off(502)),
    "J-05": (
        [call("A015", parameters="page=1,_count=20"), call("A015", parameters="page=2,_count=20")],
        [call("A015", parameters="page=1,_count=20"), call("A015", parameters="page=3,_count=20")],
    ),
    "J-06": ([_refused(429), _refused(200, after=3)], [_refused(429), _refused(200, after=0.3)]),
    "J-07": ([call("A008")], [old("A008")]),
}
"""For each requirement whose breach calls can show: a trace that keeps it, and one that breaks it."""
MORE_BREACHES: Final[dict[str, tuple[str, Trace]]] = {
    "closed-too-early": ("A003-02", [OPEN, ROLE, old("A005", durationMs=90_000.0), CLOSE]),
    "without-a-role": ("A005-01", [call("A005", status=401, outcomeCode="HEADER_MISSING")]),
    "file-not-there": ("A006-02", [READ, call("A006", status=404)]),
    "too-many-retries": ("ERR-010", [_refused(500, after=pause) for pause in (1, 2, 4, 8, 16)]),
    "pauses-do-not-grow": ("ERR-010", [_refused(500, after=pause) for pause in (1, 4, 3)]),
    "never-read": ("J-02", [change("A034", ifMatch='W/"4"')]),
}
"""Other traces that break a requirement, by a name."""
SEEN_ONLY: Final = {
    "AUT-005": [call("A005"), call("A005", org="RCD")],
    "GTR-003": [SEARCH],
    "ERR-000": [_refused(500)],
    "ERR-007": [_refused(412)],
    **{f"{op}-{number}": [(old if op < "A004" else call)(op, status=403)] for op, number in (
        ("A001", "02"), ("A002", "03"), ("A003", "03"), ("A004", "03"),
        ("A005", "03"), ("A006", "04"), ("A007", "03"), ("A008", "03"),
    )},
}  # fmt: skip
"""Requirements that calls show and cannot break, with a trace that shows each."""
