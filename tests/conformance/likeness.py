"""Compare a response with a published one and list the differences.

`differences` compares whole responses, with generated values masked. `unlike` compares only the shapes of list entries:
their values may differ, but they must have the same elements.

The order of object members and of extensions does not matter; the order of other lists does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple, cast

Json = dict[str, Any]

MISSING, EXTRA, OTHER, ORDER = "missing", "extra", "other", "order"
UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
INSTANT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"
KEYS: Final = ("url", "name", "code", "id")
"""Keys that identify the items of a list; the first key that all items have is used."""
FIXED: Final = frozenset({"system", "url", "profile", "resourceType", "type", "mode", "status", "intent", "language"})
"""Elements whose values are part of an entry's shape."""


class Mask(NamedTuple):
    """A value that a service generates: a pattern for its place, its format, and the label that replaces it."""

    place: str
    pattern: str
    label: str


MASKS: Final = (
    Mask("id", r"\d{12}", "UBRN"),
    Mask("id", UUID, "a UUID"),
    Mask("id", r"[1-9]\d{0,10}", "an appointment id"),
    Mask("parameter/*/resource/id", r"\d{12}", "UBRN"),
    Mask("parameter/*/resource/id", r"[1-9]\d{0,10}", "an appointment id"),
    Mask("*valueDateTime", INSTANT, "an instant"),
    Mask("*versionId", r"\d+", "a version"),
    Mask("*valueInstant", INSTANT, "an instant"),
    Mask("*valueDateTime", INSTANT, "an instant"),
    Mask("*created", INSTANT, "an instant"),
    Mask("*sent", INSTANT, "an instant"),
    Mask("*indexed", INSTANT, "an instant"),
    Mask("*lastUpdated", INSTANT, "an instant"),
    Mask("timestamp", INSTANT, "an instant"),
    Mask("*reference", r"Appointment/\d+", "an appointment"),
    Mask("*slot/0/reference", r"Slot/[1-9]\d*", "a slot"),
    Mask("*reference", r"ReferralRequest/\d{12}/_history/\d+", "a version of a referral"),
    Mask("identifier/0/value", rf"[ra]\.{UUID}", "a request id"),
    Mask("*item/display", ".+", "a name"),
    Mask("*actor/display", ".+", "a name"),
    Mask("*diagnostics", ".+", "a text"),
)


class Difference(NamedTuple):
    """One difference. In `place`, list items appear by their key."""

    place: str
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.place} {self.detail}"


def differences(published: Any, ours: Any, place: str = "") -> Iterator[Difference]:
    """Yield each difference of our response from the published one; both must use the ids of the same world."""
    if isinstance(published, list) and isinstance(ours, list):
        theirs, own = _keyed(cast("list[Any]", published)), _keyed(cast("list[Any]", ours))
        yield from _differences_of_objects(theirs, own, place)
        common = [key for key in theirs if key in own]
        if not place.endswith("extension") and common != [key for key in own if key in theirs]:
            yield Difference(place, ORDER, f"published {common}")
    elif isinstance(published, dict) and isinstance(ours, dict):
        yield from _differences_of_objects(cast("Json", published), cast("Json", ours), place)
    elif _masked(place, published) != _masked(place, ours):
        yield Difference(place, OTHER, f"published {published!r}, ours {ours!r}")


def unlike(published: Iterable[Json], ours: Iterable[Json]) -> set[Difference]:
    """Return the elements that only our entries have, and those that all published entries have and one of ours lacks.

    A code that both have must have the same display.
    """
    published, ours = list(published), list(ours)
    shapes = [frozenset(_shape(each)) for each in published]
    known = frozenset[str]().union(*shapes)
    always = frozenset(place for place in known if all(place in shape for shape in shapes))
    theirs, own = dict(_displays(published)), dict(_displays(ours))
    found = {
        Difference(f"{code} display", OTHER, f"published {theirs[code]!r}, ours {own[code]!r}")
        for code in theirs.keys() & own.keys()
        if theirs[code] != own[code]
    }
    for shape in (frozenset(_shape(each)) for each in ours):
        found |= {Difference(place, EXTRA) for place in shape - known}
        found |= {Difference(place, MISSING) for place in always - shape}
    return found


def _differences_of_objects(published: Json, ours: Json, place: str) -> Iterator[Difference]:
    for key in {**published, **ours}:
        inner = f"{place}/{key}".lstrip("/")
        if key not in ours:
            yield Difference(inner, MISSING)
        elif key not in published:
            yield Difference(inner, EXTRA)
        else:
            yield from differences(published[key], ours[key], inner)


def _keyed(items: list[Any]) -> Json:
    """Return the items by their key, or by position if they share no key."""
    objects = [cast("Json", each) for each in items if isinstance(each, dict)]
    key = next((each for each in KEYS if objects and all(each in item for item in objects)), None)
    if key is None or len(objects) < len(items):
        return {str(index): item for index, item in enumerate(items)}
    found: Json = {}
    for item in objects:
        name = str(item[key]).rpartition("/")[2]
        repeated = sum(1 for each in found if each.partition("#")[0] == name)
        found[f"{name}#{repeated + 1}" if repeated else name] = item
    return found


def _masked(place: str, value: Any) -> Any:
    for mask in MASKS if isinstance(value, str) else ():
        if fnmatchcase(place, mask.place) and re.fullmatch(mask.pattern, value):
            return f"<{mask.label}>"
    return value


def _shape(node: Any, place: str = "") -> Iterator[str]:
    """Yield the path of each value; extensions are identified by their key, other list items by `*`."""
    if isinstance(node, dict):
        for key, value in cast("Json", node).items():
            yield from _shape(value, f"{place}/{key}".lstrip("/"))
    elif isinstance(node, list):
        items = cast("list[Any]", node)
        extensions = place.endswith("extension")
        for key, item in _keyed(items).items():
            yield from _shape(item, f"{place}/{key.partition('#')[0]}" if extensions else f"{place}/*")
    else:
        yield f"{place}={_kind(place.rpartition('/')[2], node)}"


def _displays(node: Any) -> Iterator[tuple[str, str | None]]:
    """Yield each code with its system, and its display."""
    if isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from _displays(each)
    elif isinstance(node, dict):
        found = cast("Json", node)
        if "system" in found and "code" in found:
            yield f"{found['system']}|{found['code']}", found.get("display")
        for each in found.values():
            yield from _displays(each)


def _kind(key: str, value: Any) -> str:
    """Return the part of a value that belongs to the shape.

    This is a fixed value, the prefix of an id or address, or the type.
    """
    if key in FIXED:
        return str(value)
    if key == "fullUrl":
        return str(value).rpartition("/")[0]
    if key == "id":
        found = re.match(r"[A-Za-z]+[-.]", str(value))
        return found[0] if found else ""
    return type(value).__name__
