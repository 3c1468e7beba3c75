"""`/_test/cards`: the smartcards of a world's people, and the reader into which one of them is put."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openers.domain.directory import User
from openers.domain.identifiers import OdsCode
from openers.identity.access import AccessCache
from openers.identity.professional.tickets import LONGEST_TOKEN, as_sent, find_session
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World
from openers.wire.session_v1.assertion import MEDIA_TYPE, write_assertion
from openers.worlds.http.card_acts import CardActs, CardToInsert, cards_of, issue, present_ticket
from openers.worlds.http.card_events import card_events
from openers.worlds.http.card_page import CARDS, act_by_form, show_cards
from openers.worlds.http.control import ALWAYS, Handler, Offered, held_of, read_json, route
from openers.worlds.http.event_routes import STREAM
from openers.worlds.http.pages import wants_page
from openers.worlds.recording.connection import stops_of
from openers.worlds.refusals import Unknown

MOST_LISTED: Final = 100


def card_routes(access: AccessCache) -> list[Offered]:
    """Return the routes of cards."""
    acts = CardActs(access)

    async def _list(request: Request) -> object:
        return await show_cards(request) if wants_page(request) else await _told(request)

    async def _form(request: Request) -> object:
        return await act_by_form(request, acts)

    async def _insert(request: Request) -> object:
        return await acts.insert(await read_json(request, CardToInsert), _world(request))

    async def _present(request: Request) -> object:
        return {"ticket": await present_ticket(_world(request))}

    async def _issue(request: Request) -> object:
        return {"ticket": await issue(_world(request), renew=False)}

    async def _renew(request: Request) -> object:
        return {"ticket": await issue(_world(request), renew=True)}

    return [
        route(CARDS, {"GET": _list, "POST": _form}),
        route(f"{CARDS}/inserted", {"PUT": _insert, "DELETE": _in_world(acts.remove)}),
        route(f"{CARDS}/idle", {"POST": _in_world(acts.leave_idle)}),
        route(f"{CARDS}/ticket", {"GET": _present, "POST": _issue, "DELETE": _in_world(acts.destroy)}),
        route(f"{CARDS}/ticket/new", {"POST": _renew}),
        route(f"{CARDS}/events", {"GET": _events}),
        route(f"{CARDS}/saml/RoleAssertion", {"GET": _assertion}),
    ]


def _world(request: Request) -> World:
    return held_of(request).world


def _in_world(act: Callable[[World], Awaitable[object]]) -> Handler:
    """Return a handler of an act that needs nothing but the world."""

    async def _act(request: Request) -> object:
        return await act(_world(request))

    return _act


async def _told(request: Request) -> object:
    """Return the cards as JSON: the first ones that the text `find` finds."""
    world = _world(request)
    holder, found = await cards_of(world, request.query_params.get("find", ""), MOST_LISTED)
    first = [] if holder is None else [holder]
    cards = [
        {"uuid": each.id, "holder": each.name, "environment": world.public_name, "inserted": each == holder}
        for each in (*first, *(each for each in found if each != holder))
    ]
    return {"cards": cards}


async def _events(request: Request) -> Response:
    body = card_events(_world(request), stops_of(dict(request.scope)), request.is_disconnected)
    return StreamingResponse(body, headers=ALWAYS, media_type=STREAM)


async def _assertion(request: Request) -> Response:
    """Return the role assertion of the query parameter `token`. Raises Unknown."""
    world, token = _world(request), as_sent(request.query_params.get("token", "")[:LONGEST_TOKEN])
    async with world.read() as tx:
        session = await find_session(tx, token, world.wall.now())
        holder = None if session is None else await tx.directory.user(session.user)
        if holder is None:
            raise Unknown(
                "token: no card session of this world has this log-in token; fetch one from /_test/cards/ticket"
            )
        names = await _names(holder, tx)
    body = write_assertion(holder, names, token, world.base_url, world.wall.now())
    return Response(body, headers=ALWAYS, media_type=MEDIA_TYPE)


async def _names(holder: User, tx: Tx) -> dict[OdsCode, str]:
    found = [await tx.directory.organisation(role.organisation) for role in holder.roles]
    return {each.ods: each.name for each in found if each is not None}
