"""The ports for access codes, their encryption, and the credentials of log-ins.

The rules in `transaction.py` apply here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import msgspec

from openers.domain.access_code import AccessCode
from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind
from openers.domain.identifiers import Ubrn, UserId

T = TypeVar("T")


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


class Credentials(Protocol):
    """Tokens, codes, sessions and used assertion ids: values that expire, under keys that the caller hashes."""

    async def add(
        self, kind: CredentialKind, key: str, value: msgspec.Struct | None, expires: Instant, session: str = ""
    ) -> bool:
        """Store `value`; return `False`, and store nothing, if the key exists already."""
        ...

    async def get(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """Return the value under `key`, expired or not."""
        ...

    async def replace(self, kind: CredentialKind, key: str, value: msgspec.Struct) -> bool:
        """Replace the value under `key`, if it still exists, and return whether it did. It expires as before."""
        ...

    async def take(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """Remove the value under `key` and return it; only one caller receives it."""
        ...

    async def all(self, kind: CredentialKind, as_type: type[T]) -> Sequence[T]:
        """Return every value of a kind, expired or not."""
        ...

    async def of_session(self, kind: CredentialKind, session: str, as_type: type[T]) -> Sequence[T]:
        """Return every value of a kind in a session, expired or not, by key."""
        ...

    async def end_session(self, session: str) -> None:
        """Remove all credentials of a session."""
        ...

    async def of_person(self, kind: CredentialKind, person: UserId, as_type: type[T]) -> Sequence[T]:
        """Return all values of a kind that belong to a person, expired or not, sorted by key."""
        ...

    async def end_application(self, client_id: str) -> int:
        """Remove all codes and tokens of an application; return their number."""
        ...

    async def purge(self, before: Instant) -> int:
        """Remove credentials that expired before an instant; return how many."""
        ...
