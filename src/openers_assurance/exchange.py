"""One exchange as the rules see it: a line of the exchange log of OpenERS, or an entry of a HAR file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

SUCCESS: Final = range(200, 300)
REFUSED: Final = range(400, 500)
SESSIONS: Final = "session"
"""The generation of A001, A002 and A003."""
LEGACY: Final = frozenset({SESSIONS, "DSTU2", "alpha", "STU3 v1"})
"""The generations of the API of 2018, whose calls are in a professional session."""
SESSION_ENDED: Final = "SESSION_NOT_FOUND"
"""The outcome of a call whose session is not known, or has ended."""


class Exchange(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """One call and its reply: the members of the log that rules read, and their names. Others are ignored."""

    ts: datetime
    generation: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    op: str = ""
    parameters: str = ""
    outcome_code: str = ""
    asid: str = ""
    application: str = ""
    cn: str = ""
    session_id: str = ""
    log_in: str = ""
    user: str = ""
    on_behalf_of: str = ""
    function: str = ""
    org: str = ""
    accept: str = ""
    if_match: str = ""
    etag: str = ""
    ubrn: str = ""
    act: str = ""
    request_id: str = ""
    request_bytes: int = 0
    bytes: int = 0
    duration_ms: float = 0.0
    client_aborted: bool = False
    injected_fault: str = ""

    def __deepcopy__(self, _memo: object) -> Exchange:
        """Return the exchange itself, since it never changes."""
        return self

    @property
    def caller(self) -> str:
        """Return the system that calls: its ASID, or the name of its application."""
        return self.asid or self.application

    @property
    def ended(self) -> datetime:
        """Return when the reply was sent."""
        return self.ts + timedelta(milliseconds=self.duration_ms)

    @property
    def is_success(self) -> bool:
        """Return whether the call succeeded."""
        return self.status in SUCCESS

    @property
    def is_legacy(self) -> bool:
        """Return whether the call is one of the API of 2018."""
        return self.generation in LEGACY

    @property
    def is_read(self) -> bool:
        """Return whether the call reads, and so gives the present version."""
        return self.method == "GET"

    @property
    def subject(self) -> tuple[str, str, str]:
        """Return what the call is about: its operation, its request for a patient, and its address."""
        return self.op, self.ubrn, self.path

    @property
    def label(self) -> str:
        """Return the call in words."""
        return f"{self.op or self.method} {self.path} {self.status or 'without reply'}"
