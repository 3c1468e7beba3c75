"""Search results of FHIR R4: Bundles of type searchset. Source: rules 4 (A030, A035, A040, A041), 11.2 row 34."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from openers.domain.clock import Instant
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode

_MATCH: Final[Json] = {"mode": "match"}


class Searchset(msgspec.Struct, frozen=True):
    """The header of a search result: a new id, the time, the base address, and the query as sent, without `?`."""

    id: UUID
    at: Instant
    base: str
    query: str = ""

    def write(self, of: str, entries: Sequence[tuple[str, Json]]) -> bytes:
        """Return the result of a search for resources of type `of`; `entries` are full URLs with resources."""
        at = write_instant(self.at)
        bundle: Json = {
            "id": str(self.id),
            "meta": {"lastUpdated": at},
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(entries),
            "timestamp": at,
            "link": [{"relation": "self", "url": self._url(of) + (f"?{self.query}" if self.query else "")}],
        }
        if entries:
            found: list[JsonValue] = [
                {"fullUrl": url, "resource": resource, "search": _MATCH} for url, resource in entries
            ]
            bundle["entry"] = found
        return encode(bundle)

    def full_url(self, of: str, key: str) -> str:
        """Return the address of one resource of type `of`."""
        return f"{self._url(of)}/{key}"

    def _url(self, of: str) -> str:
        return f"{self.base}/R4/{of}"


def coded(system: str, code: str, display: str | None = None) -> Json:
    """Return a concept with one coding."""
    coding: Json = {"system": system, "code": code}
    if display is not None:
        coding["display"] = display
    return {"coding": [coding]}
