"""Pages for everybody: overview, the way to the first call, costs and glossary."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from starlette.responses import Response

from openers_portal.rules.items import Kind
from openers_portal.visitor import Visitor

CONTENT: Final = files("openers_portal").joinpath("content")
NEWEST: Final = 3


class Word(msgspec.Struct, frozen=True):
    """A word of the glossary."""

    word: str
    meaning: str


class _Glossary(msgspec.Struct, frozen=True):
    words: tuple[Word, ...]


async def overview(me: Visitor) -> Response:
    """Show what the service does, the tour, and the newest items."""
    newest = (await me.store.items.published(Kind.NEWS, Kind.NOTICE))[:NEWEST]
    return me.show("overview.html", {"newest": newest})


async def get_connected(me: Visitor) -> Response:
    """Show the steps to the first call."""
    environments = [{"name": each.name, "base_url": each.base_url} for each in me.house.settings.environments]
    return me.show("get_connected.html", {"environments": environments})


async def costs(me: Visitor) -> Response:
    """Say what it costs."""
    return me.show("costs.html", {"costs": "none", "licence": "MIT"})


async def glossary(me: Visitor) -> Response:
    """Show the words of the interface."""
    return me.show("glossary.html", {"words": words()})


@cache
def words() -> tuple[Word, ...]:
    """Return the glossary in alphabetical order."""
    found = msgspec.convert(tomllib.loads(CONTENT.joinpath("glossary.toml").read_text("utf-8")), _Glossary).words
    return tuple(sorted(found, key=lambda each: each.word.casefold()))
