"""The order in which the records of one request are put, so that each is checked against those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from openers.domain.administration.rights import Resource
from openers.domain.directory import Organisation, Service
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.services.code_sets import CodeSet
from openers.usecases.administration.kinds import Kind
from openers.usecases.ports.stored import Stored

Placed = tuple[int, Any]
"""A record, after its place in the request."""


def stages(kind: Kind, values: Sequence[Placed], stored: Mapping[str, Stored[Any]]) -> Iterator[list[Placed]]:
    """Yield records, which all have different keys, in stages. Each stage is written before the next one is checked.

    A record comes after those of its own kind that it names. Those that name one another are the last stage. Endpoints
    that have or had the same certificate come one after another, in the order of the request. So do code sets, in the
    order of their days.
    """
    after = _AFTER.get(kind.resource, _nothing)(kind, values, stored)
    waiting = {kind.key(value): (index, value) for index, value in values}
    while waiting:
        ready = [key for key in waiting if waiting.keys().isdisjoint(after.get(key, frozenset()) - {key})]
        yield [waiting.pop(key) for key in ready or list(waiting)]


_After = Mapping[str, frozenset[str]]
"""The keys of the records that come before a record."""


def _nothing(_kind: Kind, _values: Sequence[Placed], _stored: Mapping[str, Stored[Any]]) -> _After:
    return {}


def _commissioners(_kind: Kind, values: Sequence[Placed], _stored: Mapping[str, Stored[Organisation]]) -> _After:
    return {each.ods: frozenset({each.commissioner}) for _, each in values if each.commissioner is not None}


def _pathways(_kind: Kind, values: Sequence[Placed], _stored: Mapping[str, Stored[Service]]) -> _After:
    return {each.id: each.restriction.services for _, each in values if each.restriction is not None}


def _certificates(_kind: Kind, values: Sequence[Placed], stored: Mapping[str, Stored[Endpoint]]) -> _After:
    last: dict[str, str] = {}
    after: dict[str, frozenset[str]] = {}
    for _, each in values:
        old = stored.get(each.asid)
        held = {*each.certificates, *(() if old is None else old.value.certificates)}
        prints = {certificate.fingerprint for certificate in held}
        after[each.asid] = frozenset(last[name] for name in prints if name in last)
        last.update((name, each.asid) for name in prints)
    return after


def _days(_kind: Kind, values: Sequence[Placed], _stored: Mapping[str, Stored[CodeSet]]) -> _After:
    days = sorted(each.starts for _, each in values)
    return {str(later): frozenset({str(earlier)}) for earlier, later in pairwise(days)}


_AFTER: Final[dict[Resource, Callable[[Kind, Sequence[Placed], Mapping[str, Stored[Any]]], _After]]] = {
    Resource.ORGANISATIONS: _commissioners,
    Resource.SERVICES: _pathways,
    Resource.ENDPOINTS: _certificates,
    Resource.CODE_SETS: _days,
}
