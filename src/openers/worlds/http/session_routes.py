"""`/_test/sessions`: log a user in without a browser, and end sessions as the removal of a smartcard does."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from openers.identity.access import AccessCache
from openers.usecases.sessions.card_reader import inserted_card
from openers.usecases.world import World
from openers.worlds.http.control import Offered, held_of, json_reply, read_json, route
from openers.worlds.refusals import BadCall
from openers.worlds.running.sessions import begin_session_of, end_sessions


class LogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user to log in at an application; without a user the application acts for itself."""

    user: str | None = None
    application: str = "demo-user-app"


def session_routes(access: AccessCache, *, needs_card: bool) -> list[Offered]:
    """Return the routes of sessions. With `needs_card`, only the holder of the inserted card can log in."""

    async def _begin(request: Request) -> object:
        wanted = await read_json(request, LogIn)
        world = held_of(request).world
        if needs_card and wanted.user is not None:
            await _check_card(wanted.user, world)
        tokens = await begin_session_of(wanted.user, wanted.application, world)
        life = tokens.grant.expires - world.wall.now()
        return json_reply(
            {"access_token": tokens.access_token, "token_type": "Bearer", "expires_in": life.seconds}, 201
        )

    async def _end(request: Request) -> object:
        return {"ended": await end_sessions(request.query_params.get("user"), held_of(request).world, access)}

    return [route("/_test/sessions", {"POST": _begin, "DELETE": _end})]


async def _check_card(user: str, world: World) -> None:
    """Raise BadCall unless the card in the reader is that of the user."""
    async with world.read() as tx:
        card = await inserted_card(tx)
    if card is None or card.user != user:
        raise BadCall(f"The card of {user} is not in the reader: OPENERS_REQUIRE_TLS demands it (openers card insert)")
