"""`/_test/sessions`: log a user in without a browser, and end sessions as the removal of a smartcard does."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from openers.identity.access import AccessCache
from openers.worlds.http.control import Offered, held_of, json_reply, read_json, route
from openers.worlds.running.sessions import begin_session_of, end_sessions


class LogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user to log in at an application; without a user the application acts for itself."""

    user: str | None = None
    application: str = "demo-user-app"


def session_routes(access: AccessCache) -> list[Offered]:
    """Return the routes of sessions."""

    async def _begin(request: Request) -> object:
        wanted = await read_json(request, LogIn)
        world = held_of(request).world
        tokens = await begin_session_of(wanted.user, wanted.application, world)
        life = tokens.grant.expires - world.wall.now()
        return json_reply(
            {"access_token": tokens.access_token, "token_type": "Bearer", "expires_in": life.seconds}, 201
        )

    async def _end(request: Request) -> object:
        return {"ended": await end_sessions(request.query_params.get("user"), held_of(request).world, access)}

    return [route("/_test/sessions", {"POST": _begin, "DELETE": _end})]
