"""Every way to make one node of a JSON body invalid: remove, rename, repeat or nest it, or replace its value."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, cast

from tests.kit.service.requests import Json

Step = str | int

OTHERS: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    2**31,
    10**400,
    1.5,
    "",
    " ",
    "x",
    "\u0000",
    "\U0001f600" * 300,
    [],
    {},
    ["x"],
    {"x": "y"},
)

TOLD_AS: Final[dict[Step, tuple[str, ...]]] = {
    "entry": ("Shortlist/Service Id",),
    "contained": ("Shortlist/Service Id",),
    "extension": ("searchCriteria",),
}
"""Other names that rejections use for parts of a shortlist: its services and its search criteria."""


@dataclass(frozen=True)
class Mutation:
    """Hold an invalid body, the changed place, and the names of the parameters around that place."""

    how: str
    steps: tuple[Step, ...]
    around: frozenset[str]
    body: Json

    @property
    def place(self) -> str:
        """Return the place as diagnostics write it."""
        return written(self.steps)

    def named_by(self, label: str) -> bool:
        """Return whether a label in the diagnostics points at the change.

        It may name the node, a node below it, its parent, or a parameter that contains it. A renamed node may have its
        new name, and a repeated node may be named as the second one. A contained resource that cannot be found may be
        named by the reference to it.
        """
        last = self.steps[-1]
        second = written((*self.steps[:-1], last + 1)) if isinstance(last, int) else f"{self.place}X"
        at = {self.place, written(self.steps[:-1]) or "body", second, *self.around}
        if "contained" in self.steps and label.endswith("valueReference/reference"):
            return True
        return label in at or label.startswith((f"{self.place}/", f"{self.place}["))


def written(steps: tuple[Step, ...]) -> str:
    """Return a place as text, such as `parameter[0]/valueCoding/code`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in steps).lstrip("/")


def mutations(body: Json) -> Iterator[Mutation]:
    """Yield every mutation of a body. Each changes one node."""
    for steps in places(body):
        around = frozenset(names_around(body, steps))
        for how, mutated in _spoilt(body, steps):
            yield Mutation(how, steps, around, mutated)


def places(node: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield every place in a body except its root."""
    items: Any = enumerate(cast("list[Any]", node)) if isinstance(node, list) else ()
    if isinstance(node, dict):
        items = cast("Json", node).items()
    for step, child in items:
        yield (*steps, step)
        yield from places(child, (*steps, step))


def names_around(body: Json, steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield the parameters that contain a place, and those whose rules involve it.

    These are the parameters beside the place and those that disappear with it.
    """
    node: Any = body
    for step in steps:
        if isinstance(step, int) or step == steps[-1]:
            yield from _names(node)
        node = node[step]
        yield from TOLD_AS.get(step, ())
    yield from _names(node)


def _names(node: Any) -> Iterator[str]:
    """Yield the name of a parameter, or of each parameter in a list."""
    for each in cast("list[Any]", node if isinstance(node, list) else [node]):
        if isinstance(each, dict) and isinstance(cast("Json", each).get("name"), str):
            yield each["name"]


def _spoilt(body: Json, steps: tuple[Step, ...]) -> Iterator[tuple[str, Json]]:
    last = steps[-1]
    for how, change in _changes(last):
        copy = deepcopy(body)
        parent: Any = copy
        for step in steps[:-1]:
            parent = parent[step]
        change(parent, last)
        yield how, copy


def _changes(last: Step) -> Iterator[tuple[str, Any]]:
    def remove(parent: Any, step: Step) -> None:
        del parent[step]

    def rename(parent: Any, step: Step) -> None:
        parent[f"{step}X"] = parent.pop(step)

    def repeat(parent: Any, step: Step) -> None:
        parent.insert(step, deepcopy(parent[step]))

    def nest(parent: Any, step: Step) -> None:
        parent[step] = [parent[step]]

    yield "removed", remove
    yield "in an array", nest
    yield ("renamed", rename) if isinstance(last, str) else ("repeated", repeat)
    for other in OTHERS:

        def replace(parent: Any, step: Step, other: Any = other) -> None:
            parent[step] = deepcopy(other)

        yield f"now {str(other)[:20]!r}", replace
