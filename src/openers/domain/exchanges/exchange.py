"""One logged exchange: a call of a registered endpoint or application, and its reply, without bodies.

The fields are those of rules part 2, chapter 5.4, with the ids that link a call to its explanation. What may be a
patient's number is masked in each text that the caller chooses.
"""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant


class Exchange(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """One exchange. `ts` is the time of the request.

    `session_id` is a digest, since the id of a session of 2018 is a credential. `parameters` are the names of the
    query parameters; only those of pages have values, of five digits at most. `in_flight_at_start` counts the calls
    that the process was serving when this one began, itself included. `duration_ms` lasts until the reply was sent.
    """

    ts: Instant
    env: str
    generation: str
    method: str
    path: str
    status: int
    op: str = ""
    parameters: str = ""
    outcome_code: str = ""
    asid: str = ""
    application: str = ""
    cn: str = ""
    tls: str = ""
    ip: str = ""
    session_id: str = ""
    log_in: str = ""
    user: str = ""
    on_behalf_of: str = ""
    function: str = ""
    org: str = ""
    accept: str = ""
    content_type: str = ""
    if_match: str = ""
    etag: str = ""
    ubrn: str = ""
    act: str = ""
    request_id: str = ""
    request_bytes: int = 0
    bytes: int = 0
    duration_ms: float = 0.0
    in_flight_at_start: int = 0
    client_aborted: bool = False
    injected_fault: str = ""


class StoredExchange(Exchange, frozen=True, array_like=True, omit_defaults=False, gc=False):
    """An exchange as it is stored: an array without names, which is half as long."""


class ExchangeBatch(msgspec.Struct, frozen=True):
    """Exchanges that are stored together: one JSON array a line. `number` orders batches; 0 before they are stored."""

    lines: bytes
    count: int
    number: int = 0


class LogBounds(msgspec.Struct, frozen=True):
    """How much of the log is kept: days, and bytes of lines."""

    days: float = 90.0
    most_bytes: int = 512 * 2**20
