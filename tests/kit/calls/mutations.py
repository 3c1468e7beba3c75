"""Every way to spoil one node of a JSON body: left out, renamed, repeated, given another type or value."""

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
"""What else refusals call parts of a shortlist: its services, and the criteria that they must satisfy."""


@dataclass(frozen=True)
class Mutation:
    """A spoilt body, where it was spoilt, and the names of the parameters around that place."""

    how: str
    steps: tuple[Step, ...]
    around: frozenset[str]
    body: Json

    @property
    def place(self) -> str:
        """The place as diagnostics write it."""
        return written(self.steps)

    def named_by(self, label: str) -> bool:
        """Whether a label points here: at the node, below it, at its parent, or at a parameter that it is in.

        What was renamed is told by its new name, what was repeated as the second one, and a contained resource that
        can't be found at the reference to it.
        """
        last = self.steps[-1]
        second = written((*self.steps[:-1], last + 1)) if isinstance(last, int) else f"{self.place}X"
        at = {self.place, written(self.steps[:-1]) or "body", second, *self.around}
        if "contained" in self.steps and label.endswith("valueReference/reference"):
            return True
        return label in at or label.startswith((f"{self.place}/", f"{self.place}["))


def written(steps: tuple[Step, ...]) -> str:
    """A place, such as `parameter[0]/valueCoding/code`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in steps).lstrip("/")


def mutations(body: Json) -> Iterator[Mutation]:
    """All of them, one node at a time."""
    for steps in places(body):
        around = frozenset(names_around(body, steps))
        for how, mutated in _spoilt(body, steps):
            yield Mutation(how, steps, around, mutated)


def places(node: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Every place of a body but its root."""
    items: Any = enumerate(cast("list[Any]", node)) if isinstance(node, list) else ()
    if isinstance(node, dict):
        items = cast("Json", node).items()
    for step, child in items:
        yield (*steps, step)
        yield from places(child, (*steps, step))


def names_around(body: Json, steps: tuple[Step, ...]) -> Iterator[str]:
    """The parameters that a place lies in, and those whose rules involve it: beside it, or lost with it."""
    node: Any = body
    for step in steps:
        if isinstance(step, int) or step == steps[-1]:
            yield from _names(node)
        node = node[step]
        yield from TOLD_AS.get(step, ())
    yield from _names(node)


def _names(node: Any) -> Iterator[str]:
    """The names that a parameter, or each one of a list, has."""
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
