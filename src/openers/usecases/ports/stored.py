"""Stored records, and the methods that both kinds of request share. The rules of the ports apply here.

A UBRN belongs to a referral, to a request for advice, or to both after a conversion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from openers.domain.callers import Viewer
from openers.domain.identifiers import NhsNumber, Ubrn

T = TypeVar("T")


class Stored(Generic[T]):
    """A stored record. Key, version and patient are available at once; the value is decoded on first use."""

    __slots__ = ("_decode", "_value", "body", "key", "patient", "version")

    def __init__(
        self, key: str, version: int, body: bytes, decoder: msgspec.json.Decoder[T], patient: NhsNumber | None = None
    ) -> None:
        """Wrap `body`, the stored JSON that `decoder` reads; `patient` is set if the record concerns one."""
        self.key, self.version, self.patient = key, version, patient
        self.body, self._decode, self._value = body, decoder.decode, None

    @property
    def value(self) -> T:
        """The value of the record."""
        if self._value is None:
            self._value = self._decode(self.body)
        return self._value


class Requests(Protocol[T]):
    """One kind of request by UBRN. `get` checks existence, relationship, kind and version before decoding."""

    async def get(self, ubrn: Ubrn, by: Viewer, version: int | None = None) -> Stored[T]:
        """Return the request for `by`.

        Raises NotFound, NoRelationship, InvalidRequestType (the UBRN only belongs to the other kind), VersionConflict
        (`version` is not the latest).
        """
        ...

    async def find(self, ubrn: Ubrn, by: Viewer) -> Stored[T] | None:
        """Return the request; `None` if it does not exist or `by` may not see it."""
        ...

    async def of_patient(self, patient: NhsNumber, by: Viewer) -> Sequence[Stored[T]]:
        """Return the requests of a patient that `by` may see, in any order."""
        ...

    async def among(self, ubrns: Sequence[Ubrn], by: Viewer) -> Sequence[Stored[T]]:
        """Return the requests with these UBRNs that `by` may see, in any order."""
        ...

    async def known(self, patients: Sequence[NhsNumber], by: Viewer) -> frozenset[NhsNumber]:
        """Return the patients that have a request which `by` may see."""
        ...

    async def add(self, new: T, version: int | None = None) -> Stored[T]:
        """Store a new request under its kind's first version, or under `version`."""
        ...

    async def put(self, old: Stored[T], new: T, steps: int = 1) -> Stored[T]:
        """Replace the value, raise the version by `steps`, keep the old value in the history.

        Raises VersionConflict.
        """
        ...
