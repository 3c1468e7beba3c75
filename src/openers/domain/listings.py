"""The search index of the directory: every published service, grouped and sorted for searches.

Immutable; a change of the directory builds a new one. A search takes the sorted services of its specialty, clinic type,
request type and priority. It checks each against the remaining criteria, and stops at the limit, so its cost depends on
the number of results. `openers.usecases.directory.search_services` and the shortlist checks call it.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from openers.domain.codes import Priority, RequestType, SortBy
from openers.domain.geography import Point, distance_miles
from openers.domain.identifiers import ServiceId, UserId
from openers.domain.search import Listing, ServiceFilter, supports

REMEMBERED_ORDERS: Final = 512
"""Number of sorted orders that are cached; each takes 16 bytes for each service."""


class Found(NamedTuple):
    """One service of a search result; `distance_miles` is `None` if one of the two places is unknown."""

    service: ServiceId
    distance_miles: float | None


class Listings:
    """All published services of one version of the directory."""

    def __init__(self, version: int, listings: Iterable[Listing]) -> None:
        """Build the index; `version` is the directory's version from which the listings were read."""
        self.version = version
        self._by_id = {listing.id: listing for listing in listings}
        self._shelves = _shelve(self._by_id.values())
        self._orders: OrderedDict[tuple[object, ...], list[tuple[float | None, Listing]]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of published services."""
        return len(self._by_id)

    def search(self, wanted: ServiceFilter, sort: SortBy, origin: Point | None, most: int) -> list[Found]:
        """Return the first `most` services in order that satisfy `wanted`, with their distance from `origin`."""
        found: list[Found] = []
        limit = wanted.criteria.distance_limit_miles
        for distance, listing in self._ordered(wanted, sort, origin):
            if limit is not None and (distance is None or distance > limit):
                continue
            if wanted.admits(listing):
                found.append(Found(listing.id, distance))
                if len(found) == most:
                    break
        return found

    def admits(self, wanted: ServiceFilter, service: ServiceId, origin: Point | None) -> bool:
        """Return whether an unlimited search for `wanted` would find `service`."""
        listing = self._by_id.get(service)
        if listing is None or not wanted.admits(listing):
            return False
        limit = wanted.criteria.distance_limit_miles
        if limit is None:
            return True
        return origin is not None and listing.point is not None and distance_miles(origin, listing.point) <= limit

    def _ordered(self, wanted: ServiceFilter, sort: SortBy, origin: Point | None) -> list[tuple[float | None, Listing]]:
        """Return the candidate services in order; cached for the next search from the same place."""
        shelf = _shelf(wanted)
        key = (shelf, sort, origin)
        order = self._orders.get(key)
        if order is None:
            order = self._orders[key] = _sorted(self._on(shelf), sort, origin)
            if len(self._orders) > REMEMBERED_ORDERS:
                self._orders.popitem(last=False)
        else:
            self._orders.move_to_end(key)
        return order

    def _on(self, shelf: _Shelf) -> list[Listing]:
        """Return the services of `shelf`: those of its (specialty, clinic type) pairs, of its clinician, or all."""
        pairs, clinician, request_type, priority = shelf
        keys = pairs if pairs is not None else (clinician,)
        seen = {listing.id: listing for key in keys for listing in self._shelves.get((key, request_type, priority), ())}
        return list(seen.values())


_Key = tuple[str, str] | UserId | None
_Shelf = tuple[frozenset[tuple[str, str]] | None, UserId | None, RequestType, Priority]


def _shelf(wanted: ServiceFilter) -> _Shelf:
    clinician = wanted.criteria.named_clinician if wanted.pairs is None else None
    return (wanted.pairs, clinician, wanted.request_type, wanted.criteria.priority)


def _shelve(listings: Iterable[Listing]) -> dict[tuple[_Key, RequestType, Priority], list[Listing]]:
    """Group the listings by pair, by clinician and under `None`, for each request type and priority they accept."""
    shelves: defaultdict[tuple[_Key, RequestType, Priority], list[Listing]] = defaultdict(list)
    for listing in listings:
        keys: tuple[_Key, ...] = (*listing.clinic_types, *listing.clinicians, None)
        for request_type in RequestType:
            if not supports(listing.flows, request_type):
                continue
            for priority in listing.priorities:
                for key in keys:
                    shelves[key, request_type, priority].append(listing)
    return dict(shelves)


def _sorted(listings: list[Listing], sort: SortBy, origin: Point | None) -> list[tuple[float | None, Listing]]:
    """Sort by distance or by wait, then by the other of the two, then by name; unknown values come last."""
    far = float("inf")

    def _distance(listing: Listing) -> float | None:
        if origin is None or listing.point is None:
            return None
        return distance_miles(origin, listing.point)

    def _rank(row: tuple[float | None, Listing]) -> tuple[float, float, str, int]:
        miles = far if row[0] is None else row[0]
        wait = far if row[1].wait_days is None else row[1].wait_days
        first, second = (miles, wait) if sort is SortBy.DISTANCE else (wait, miles)
        return (first, second, row[1].name.casefold(), int(row[1].id))

    return sorted(((_distance(listing), listing) for listing in listings), key=_rank)
