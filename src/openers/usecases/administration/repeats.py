"""Idempotency keys: a repeated request gets the reply of the first one. The reply is stored in the act itself."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind
from openers.usecases.administration.refusals import KeyReused
from openers.usecases.ports.transaction import Tx

KEPT: Final = timedelta(hours=24)


class Once(msgspec.Struct, frozen=True):
    """A request with an idempotency key: the hash of caller and key, and the hash of the request.

    `sent` is the record in it, as plain JSON. A result with the same value is kept without it.
    """

    key: str
    request: str
    sent: dict[str, Any] = {}


class Outcome(StrEnum):
    """What has become of a record."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a change: the record's key, its version and its value as plain JSON.

    `was` is the version before; 0 if the record is new. `repeated` marks the reply to a repeated request. `stated` is
    the outcome where the versions do not tell it.
    """

    key: str
    version: int
    was: int
    value: dict[str, Any]
    repeated: bool = False
    stated: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        """Return what has become of the record."""
        if self.stated is not None:
            return self.stated
        if self.was == 0:
            return Outcome.CREATED
        return Outcome.UNCHANGED if self.version == self.was else Outcome.REPLACED

    @property
    def is_new(self) -> bool:
        """Return whether the record was created."""
        return self.outcome is Outcome.CREATED


class _Kept(msgspec.Struct, frozen=True):
    """The stored result of a request."""

    request: str
    expires: Instant
    change: Change


async def first_result(once: Once | None, tx: Tx, now: Instant) -> Change | None:
    """Return the result of the first request with this key; `None` if this is the first. Raises KeyReused.

    A result that has expired is removed, so that another one can be kept.
    """
    if once is None:
        return None
    kept = await tx.credentials.get(CredentialKind.IDEMPOTENCY_KEY, once.key, _Kept)
    if kept is not None and now >= kept.expires:
        await tx.credentials.take(CredentialKind.IDEMPOTENCY_KEY, once.key, _Kept)
    return _result(once, kept, now)


async def known_result(once: Once | None, tx: Tx, now: Instant) -> Change | None:
    """Return what `first_result` returns, and change nothing. Raises KeyReused."""
    if once is None:
        return None
    return _result(once, await tx.credentials.get(CredentialKind.IDEMPOTENCY_KEY, once.key, _Kept), now)


def _result(once: Once, kept: _Kept | None, now: Instant) -> Change | None:
    """Return a kept result, unless it has expired. Raises KeyReused."""
    if kept is None or now >= kept.expires:
        return None
    if kept.request != once.request:
        cure = "send a new key with each new request"
        raise KeyReused("the key was sent with another request", "Idempotency-Key", cure)
    return msgspec.structs.replace(kept.change, value=kept.change.value or once.sent, repeated=True)


async def keep_result(once: Once | None, change: Change, tx: Tx, now: Instant) -> None:
    """Store the result for the time in which the request may be repeated."""
    if once is not None:
        expires = now + KEPT
        if change.value == once.sent:
            change = msgspec.structs.replace(change, value={})
        await tx.credentials.add(
            CredentialKind.IDEMPOTENCY_KEY, once.key, _Kept(once.request, expires, change), expires
        )
