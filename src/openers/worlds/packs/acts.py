"""The history of a world before it begins: calls of the service's own API, described by forms and values.

A form (`forms/*.json`) is a request with placeholders. An act fills them with its own values or with values from
earlier replies. So a new operation needs a new form and no new code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, cast

import msgspec

FORMS: Final = files("openers.worlds.packs").joinpath("forms")
EACH: Final = "$each"
FROM: Final = "$from"
PATIENTS: Final = "patients"
"""In `each`: all patients of the pack who can be referred (alive, not sensitive, with a practice), in turn."""


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The caller of an act: a user in a role, or an application for itself."""

    user: str | None = None
    organisation: str = ""
    function: str = ""
    on_behalf_of: str = ""
    application: str = "demo-user-app"


LONGEST_AGO: Final = 3660.0
"""Maximum days before the start of the world at which an act may happen."""
MOST_TIMES: Final = 10_000
"""Maximum repetitions of an act."""
GAP: Final = re.compile(r"\$\{([^}]*)\}?")
"""A placeholder within a text."""


class PackAct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One act, or `times` acts of the same kind.

    `form` names the request, `by` an actor of the pack. `values` fill the placeholders; from a list in `each`,
    successive acts take successive values. The reply is stored as `name`. `expect` is the required status of the reply.
    """

    form: str
    by: str
    name: str = ""
    days_ago: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_AGO)] = 0.0
    times: Annotated[int, msgspec.Meta(ge=1, le=MOST_TIMES)] = 1
    values: dict[str, Any] = {}
    each: dict[str, str | list[Any]] = {}
    expect: int | None = None


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request with placeholders: `$name` for a whole value, `${name}` within a text. `defaults` fill the others.

    A list element with `$each` is repeated for each value of that list, which then fills the placeholder `each`. An
    object with `$from` starts as a copy of that value.
    """

    method: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: Any = None
    defaults: dict[str, Any] = {}


@cache
def form_names() -> frozenset[str]:
    """Return the names of all forms."""
    return frozenset(file.name.removesuffix(".json") for file in FORMS.iterdir() if file.name.endswith(".json"))


@cache
def read_form(name: str) -> Form:
    """Return the form of this name. Raises `ValueError`."""
    file = FORMS.joinpath(f"{name}.json")
    if not file.is_file():
        raise ValueError(f"the pack has no form forms/{name}.json")
    return msgspec.convert(json.loads(file.read_text("utf-8")), Form)


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """Return the template with its placeholders filled; parts that are `None` are left out. Raises `ValueError`."""
    match template:
        case str():
            return _filled_text(template, values)
        case list():
            parts = (part for each in cast("list[Any]", template) for part in _repeated(each, values))
            return [value for value in (filled(part, within) for part, within in parts) if value is not None]
        case dict():
            return _filled_object(cast("dict[str, Any]", template), values)
        case _:
            return template


def _filled_object(template: dict[str, Any], values: Mapping[str, Any]) -> Any:
    """Return the object with its placeholders filled; `None` if all of its parts were left out."""
    began: dict[str, Any] = dict(_value(template[FROM], values)) if FROM in template else {}
    own = {name: filled(each, values) for name, each in template.items() if name not in (FROM, EACH)}
    whole = {**began, **{name: value for name, value in own.items() if value is not None}}
    return whole or (None if template else {})


def _repeated(part: Any, values: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield a list element once for each value of its `$each` list, with that value as placeholder `each`."""
    name = cast("dict[str, Any]", part).get(EACH) if isinstance(part, dict) else None
    if name is None:
        yield part, values
    else:
        yield from ((part, {**values, "each": each}) for each in _value(name, values))


def _filled_text(text: str, values: Mapping[str, Any]) -> Any:
    if text.startswith("$") and text[1:].replace("_", "").isalnum() and text[1:].islower():
        return _value(text[1:], values)
    return GAP.sub(lambda gap: str(_value(gap[1], values)), text)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise ValueError(f"no value for the placeholder {name}")
    return values[name]


def looked_up(reference: Any, replies: Mapping[str, Any]) -> Any:
    """Return a value of an act; `@name.path.of.json` refers to an earlier reply. Raises `ValueError`."""
    if isinstance(reference, list):
        return [looked_up(each, replies) for each in cast("list[Any]", reference)]
    if not (isinstance(reference, str) and reference.startswith("@")):
        return reference
    name, *path = reference[1:].split(".")
    found: Any = replies.get(name)
    for step in path:
        found = _member(found, step)
    if found is None:
        raise ValueError(f"no earlier reply contains {reference}")
    return found


def _member(found: Any, step: str) -> Any:
    """Return the member of a JSON object or the element of a JSON list."""
    match found:
        case dict():
            return cast("dict[str, Any]", found).get(step)
        case list():
            return cast("list[Any]", found)[int(step)]
        case _:
            return None
