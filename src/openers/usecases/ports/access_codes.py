"""The ports for access codes: the table that stores them, and their encryption.

The rules in `transaction.py` apply here too.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from openers.domain.access_code import AccessCode
from openers.domain.identifiers import Ubrn


class KeptCode(msgspec.Struct, frozen=True):
    """A stored code: encrypted, with the number of wrong attempts since the last correct one."""

    sealed: bytes
    failures: int


class AccessCodes(Protocol):
    """Encrypted codes by UBRN."""

    async def get(self, ubrn: Ubrn) -> KeptCode | None:
        """Return the code of a referral, if it has one."""
        ...

    async def put(self, ubrn: Ubrn, kept: KeptCode) -> None:
        """Add or replace a code."""
        ...

    async def drop(self, ubrn: Ubrn) -> None:
        """Delete the code, if there is one."""
        ...


class CodeSeal(Protocol):
    """Creates codes and encrypts them under a key that is stored outside the database; each is bound to its UBRN."""

    def draw(self) -> AccessCode:
        """Return a new random code."""
        ...

    def close(self, code: AccessCode, ubrn: Ubrn) -> bytes:
        """Return the encrypted code."""
        ...

    def open(self, sealed: bytes, ubrn: Ubrn) -> AccessCode:
        """Return the decrypted code. Raises Unavailable if it was encrypted under another key, or for another UBRN."""
        ...

    def fits(self, sealed: bytes, ubrn: Ubrn, typed: str) -> bool:
        """Return whether `typed` is the code; the time taken does not reveal where they differ. Raises as `open`."""
        ...
