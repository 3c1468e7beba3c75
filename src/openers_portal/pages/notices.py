"""What editors have published: news, forward notices, the roadmap, and the states of environments."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from openers_portal.rules.items import CONDITIONS, Kind
from openers_portal.visitor import NotHere, Visitor


async def notices(me: Visitor) -> Response:
    """Show news and forward notices, the newest first."""
    found = await me.store.items.published(Kind.NEWS, Kind.NOTICE)
    return me.show("notices.html", {"items": found})


async def notice(me: Visitor) -> Response:
    """Show one news item or notice. Raises NotHere."""
    every = await me.store.items.published(Kind.NEWS, Kind.NOTICE)
    found = next((each for each in every if each.id == me.part("item")), None)
    if found is None:
        raise NotHere
    return me.show("notice.html", {"one": found})


async def roadmap(me: Visitor) -> Response:
    """Show what is planned, the next first."""
    found = await me.store.items.published(Kind.ROADMAP)
    return me.show("roadmap.html", {"items": sorted(found, key=lambda each: each.item.on or date.max)})


async def environments(me: Visitor) -> Response:
    """Show each environment with the state that an editor has published last."""
    states = {each.item.environment: each for each in reversed(await me.store.items.published(Kind.STATE))}
    shown = [
        {"name": each.name, "base_url": each.base_url, "purpose": each.purpose, "state": states.get(each.name)}
        for each in me.house.settings.environments
    ]
    return me.show("environments.html", {"environments": shown, "conditions": CONDITIONS})
