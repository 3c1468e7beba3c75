"""The search index of the directory: every published service, grouped and sorted for searches.

A change of a service changes the index by that service alone. A search takes the sorted services of its specialty,
clinic type, request type and priority. It checks each against the remaining criteria, and stops at the limit, so its
cost depends on the number of results. `openers.usecases.directory.search_services` and the shortlist checks call it.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from openers.domain.codes import Priority, RequestType, SortBy
from openers.domain.geography import Point, distance_miles
from openers.domain.identifiers import ServiceId, UserId
from openers.domain.search import Condition, Listing, ServiceFilter, supports

REMEMBERED_ORDERS: Final = 512
"""Number of sorted orders that are cached."""
REMEMBERED_ROWS: Final = 200_000
"""Number of services in all cached orders together; each takes about 95 bytes. The latest order is always kept."""


class Found(NamedTuple):
    """One service of a search result; `distance_miles` is `None` if one of the two places is unknown."""

    service: ServiceId
    distance_miles: float | None


class Listings:
    """All published services of one version of the directory."""

    def __init__(self, version: int, listings: Iterable[Listing] = ()) -> None:
        """Build the index; `version` is the directory's version from which the listings were read."""
        self.version = version
        self._by_id: dict[ServiceId, Listing] = {}
        self._shelves: defaultdict[_Place, dict[ServiceId, Listing]] = defaultdict(dict)
        self._orders: OrderedDict[_Order, list[tuple[float | None, Listing]]] = OrderedDict()
        self._rows = 0
        for listing in listings:
            self._add(listing)

    def __len__(self) -> int:
        """Return the number of published services."""
        return len(self._by_id)

    def change(self, service: ServiceId, listing: Listing | None) -> None:
        """Replace the listing of one service; `None` if the service is not published."""
        places = [*self._remove(service), *(() if listing is None else self._add(listing))]
        self._forget_orders(frozenset(places))

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
        return self.hidden_by(wanted, service, origin) is None

    def hidden_by(self, wanted: ServiceFilter, service: ServiceId, origin: Point | None) -> Condition | None:
        """Return the first condition that keeps `service` out of an unlimited search for `wanted`."""
        listing = self._by_id.get(service)
        if listing is None:
            return Condition.PUBLISHED
        failing = wanted.hidden_by(listing)
        limit = wanted.criteria.distance_limit_miles
        if failing is not None or limit is None:
            return failing
        is_near = origin is not None and listing.point is not None and distance_miles(origin, listing.point) <= limit
        return None if is_near else Condition.DISTANCE

    def _add(self, listing: Listing) -> list[_Place]:
        """Add a listing; return the shelves that it is on."""
        self._by_id[listing.id] = listing
        places = list(_places(listing))
        for place in places:
            self._shelves[place][listing.id] = listing
        return places

    def _remove(self, service: ServiceId) -> list[_Place]:
        """Remove a listing, if there is one; return the shelves that it was on."""
        listing = self._by_id.pop(service, None)
        places = [] if listing is None else list(_places(listing))
        for place in places:
            del self._shelves[place][service]
            if not self._shelves[place]:
                del self._shelves[place]
        return places

    def _ordered(self, wanted: ServiceFilter, sort: SortBy, origin: Point | None) -> list[tuple[float | None, Listing]]:
        """Return the candidate services in order; cached for the next search from the same place."""
        shelf = _shelf(wanted)
        key = (shelf, sort, origin)
        order = self._orders.get(key)
        if order is None:
            order = self._orders[key] = _sorted(self._on(shelf), sort, origin)
            self._rows += len(order)
            while len(self._orders) > 1 and (len(self._orders) > REMEMBERED_ORDERS or self._rows > REMEMBERED_ROWS):
                self._rows -= len(self._orders.popitem(last=False)[1])
        else:
            self._orders.move_to_end(key)
        return order

    def _on(self, shelf: _Shelf) -> list[Listing]:
        """Return the services of `shelf`: those of its (specialty, clinic type) pairs, of its clinician, or all."""
        seen = {each.id: each for place in shelf.places() for each in self._shelves.get(place, {}).values()}
        return list(seen.values())

    def _forget_orders(self, changed: frozenset[_Place]) -> None:
        """Forget the cached orders that hold a service of the changed shelves."""
        for key in [key for key in self._orders if not changed.isdisjoint(key[0].places())]:
            self._rows -= len(self._orders.pop(key))


_Key = tuple[str, str] | UserId | None
_Place = tuple[_Key, RequestType, Priority]
"""A shelf of services: one pair, clinician or `None` (all), one request type and one priority."""


class _Shelf(NamedTuple):
    """The candidates of a search: services of any of its pairs, of a clinician, or all."""

    pairs: frozenset[tuple[str, str]] | None
    clinician: UserId | None
    request_type: RequestType
    priority: Priority

    def places(self) -> list[_Place]:
        """Return the shelves that hold the candidates."""
        keys = self.pairs if self.pairs is not None else (self.clinician,)
        return [(key, self.request_type, self.priority) for key in keys]


_Order = tuple[_Shelf, SortBy, Point | None]


def _shelf(wanted: ServiceFilter) -> _Shelf:
    clinician = wanted.criteria.named_clinician if wanted.pairs is None else None
    return _Shelf(wanted.pairs, clinician, wanted.request_type, wanted.criteria.priority)


def _places(listing: Listing) -> Iterator[_Place]:
    """Yield the shelves of a listing: by pair, by clinician and under `None`, for all that it accepts."""
    keys: frozenset[_Key] = frozenset((*listing.clinic_types, *listing.clinicians, None))
    for request_type in RequestType:
        if supports(listing.flows, request_type):
            for priority in listing.priorities:
                yield from ((key, request_type, priority) for key in keys)


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
