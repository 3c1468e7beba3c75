"""A shortlist: a List of services that contains the criteria that found them.

The domain checks the number of services and that none is named twice. Source: rules chapters 4 (A011) and 12.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openers.domain.identifiers import ServiceId
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import Shortlist
from openers.wire.json import (
    BadStructure,
    BadValue,
    Json,
    JsonValue,
    MissingField,
    UnexpectedField,
    array,
    element,
    fixed,
    join,
    needed,
    resource,
    text,
)
from openers.wire.stu3.criteria import read_criteria
from openers.wire.stu3.kinds import identifier
from openers.wire.stu3.systems import ERS_SERVICE, extension, identified, profile

PROFILE: Final = profile("Shortlist-List")
CRITERIA_EXTENSION: Final = extension("Shortlist-SearchCriteria")
_SERVICE: Final = identifier(ERS_SERVICE, ServiceId)
_LIST: Final = frozenset(
    {"resourceType", "id", "meta", "language", "contained", "extension", "status", "mode", "entry"}
)
_EXTENSION: Final = frozenset({"id", "url", "valueReference"})
_REFERENCE: Final = frozenset({"id", "reference", "display"})
_ENTRY: Final = frozenset({"id", "item"})
_ITEM: Final = frozenset({"id", "identifier", "display"})
_META: Final[Json] = {"profile": [PROFILE]}
_CRITERIA_LINK: Final[JsonValue] = [
    {"url": CRITERIA_EXTENSION, "valueReference": {"reference": "#serviceSearchCriteria"}}
]


class SentShortlist(NamedTuple):
    """A shortlist in a request: without names, with any number of services."""

    criteria: SearchCriteria
    services: tuple[ServiceId, ...]


def read_shortlist(node: JsonValue, path: str) -> SentShortlist:
    """Return the shortlist in `node`. Raises the classes of `Unreadable`."""
    body = resource(node, path, "List", _LIST, PROFILE)
    fixed(body, "status", path, "current")
    fixed(body, "mode", path, "snapshot")
    entries = array(body.get("entry", []), join(path, "entry"))
    return SentShortlist(
        _contained_criteria(body, path),
        tuple(_service(each, f"{join(path, 'entry')}[{index}]") for index, each in enumerate(entries)),
    )


def shortlist_of(shortlist: Shortlist) -> Json:
    """Return the shortlist as a contained resource; the resource that contains it also contains its criteria."""
    return {
        "id": "shortlist",
        "meta": _META,
        "resourceType": "List",
        "extension": _CRITERIA_LINK,
        "status": "current",
        "mode": "snapshot",
        "entry": [
            {"item": {"identifier": identified(ERS_SERVICE, each.id), "display": each.name}}
            for each in shortlist.services
        ],
    }


def _service(node: JsonValue, path: str) -> ServiceId:
    """Return the service of one entry."""
    at = join(path, "item")
    item = element(needed(element(node, path, _ENTRY), "item", path), at, _ITEM)
    return _SERVICE.read(needed(item, "identifier", at), join(at, "identifier"))


def _contained_criteria(body: Json, path: str) -> SearchCriteria:
    """Return the contained criteria, to which the only extension must refer."""
    reference, refers_at = _reference(body, path)
    at = join(path, "contained")
    contained = array(body.get("contained", []), at)
    if len(contained) > 1:
        raise BadStructure(f"{at}[1]", None, "must hold the search criteria and nothing else")
    for index, each in enumerate(contained):
        if not isinstance(each, dict):
            raise BadStructure(f"{at}[{index}]", None, "must be a resource")
        if f"#{each.get('id')}" == reference:
            return read_criteria(each, f"{at}[{index}]")
    raise BadValue(refers_at, reference, "must be # and the id of the contained search criteria")


def _reference(body: Json, path: str) -> tuple[str, str]:
    """Return the reference in the criteria extension, and its place."""
    at = join(path, "extension")
    extensions = array(body.get("extension", []), at)
    if not extensions:
        raise MissingField(path, "searchCriteria", "is missing.")
    if len(extensions) > 1:
        raise BadStructure(f"{at}[1]", None, "is allowed once")
    here = f"{at}[0]"
    found = element(extensions[0], here, _EXTENSION)
    url = text(needed(found, "url", here), join(here, "url"))
    if url != CRITERIA_EXTENSION:
        raise UnexpectedField(here, url, "unknown extension")
    there = join(here, "valueReference")
    reference = element(needed(found, "valueReference", here), there, _REFERENCE)
    place = join(there, "reference")
    return text(needed(reference, "reference", there), place), place
