"""What access codes ask of the world outside: rows that hold them, and the seal that only the service can open.

Beside `transaction.py`, whose rules hold here too.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from openers.domain.access_code import AccessCode
from openers.domain.identifiers import Ubrn


class KeptCode(msgspec.Struct, frozen=True):
    """A code as it is stored: sealed, with how many wrong ones were tried since the last right one."""

    sealed: bytes
    failures: int


class AccessCodes(Protocol):
    """Sealed codes by UBRN."""

    async def get(self, ubrn: Ubrn) -> KeptCode | None:
        """The code of a referral, if it has one."""
        ...

    async def put(self, ubrn: Ubrn, kept: KeptCode) -> None:
        """Add or replace."""
        ...

    async def drop(self, ubrn: Ubrn) -> None:
        """Forget it, if there is one."""
        ...


class CodeSeal(Protocol):
    """Draws codes and seals them under a key that lives outside the store, each bound to its UBRN."""

    def draw(self) -> AccessCode:
        """A fresh code."""
        ...

    def close(self, code: AccessCode, ubrn: Ubrn) -> bytes:
        """The code, sealed."""
        ...

    def open(self, sealed: bytes, ubrn: Ubrn) -> AccessCode:
        """The code that was sealed. Raises Unavailable: sealed under another key, or for another UBRN."""
        ...

    def fits(self, sealed: bytes, ubrn: Ubrn, typed: str) -> bool:
        """Whether `typed` is the code, in a time that says nothing about where it differs. Raises as `open`."""
        ...
