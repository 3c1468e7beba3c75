"""`--open`: a request without a token acts as the user that the pack assigns to its business function.

The user is really logged in, so all later rules apply as usual. Plain `application/json` is accepted as FHIR, and a
missing organisation header is set to an organisation of the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openers.api.http.bounds import LONGEST_CACHED
from openers.api.http.request import FUNCTION, ODS, Scope
from openers.domain.credentials import AccessMode, Application
from openers.domain.directory import User
from openers.domain.principal import RC
from openers.identity.assurance import identity_is_verified, method_is_accepted
from openers.usecases.ports.transaction import Tx
from openers.worlds.packs import Pack
from openers.worlds.running.running_world import RunningWorld
from openers.worlds.running.sessions import begin_session_of

AUTHORIZATION: Final = b"authorization"
CONTENT_TYPE: Final = b"content-type"
PLAIN: Final = b"application/json"
FHIR: Final = b"application/fhir+json"

MOST_KNOWN: Final = 1000
"""Maximum remembered tokens."""

Key = tuple[str, int, str, str]
"""World, generation of its store, function, organisation."""


class AnonymousLogIn:
    """Logs requests in, and remembers their tokens."""

    def __init__(self) -> None:
        """Start without tokens."""
        self._known: dict[Key, tuple[str, Any, str]] = {}

    async def let_in(self, scope: Scope, held: RunningWorld) -> Scope:
        """Return the request with the headers of a logged-in user; unchanged if no suitable user exists."""
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        if headers.get(CONTENT_TYPE, b"").partition(b";")[0].strip().lower() == PLAIN:
            headers[CONTENT_TYPE] = FHIR
        if not headers.get(AUTHORIZATION):
            headers |= await self._entry(headers, held)
        return {**scope, "headers": list(headers.items())}

    async def _entry(self, headers: Mapping[bytes, bytes], held: RunningWorld) -> dict[bytes, bytes]:
        """Return the headers that a log-in adds."""
        if any(len(headers.get(name, b"")) > LONGEST_CACHED for name in (FUNCTION, ODS)):
            return {}
        function, organisation = (headers.get(name, b"").decode("latin-1").strip() for name in (FUNCTION, ODS))
        key = (held.world.name, held.world.store.generation, function or RC, organisation)
        token, expires, place = self._known.get(key, ("", None, ""))
        if expires is None or expires <= held.world.wall.now():
            async with held.world.read() as tx:
                found = await _actor(tx, held, key[2], organisation)
            if found is None:
                return {}
            user, client_id, place = found
            begun = await begin_session_of(user, client_id, held.world)
            token = begun.access_token
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = (token, begun.grant.expires, place)
        added = {AUTHORIZATION: f"Bearer {token}".encode()}
        return added if organisation or not place else {**added, ODS: place.encode()}


async def _actor(tx: Tx, held: RunningWorld, function: str, organisation: str) -> tuple[str | None, str, str] | None:
    """Return the user to log in, the application, and the organisation."""
    applications = [each for each in await tx.directory.applications() if each.asid]
    by_itself = [each for each in applications if each.function == function and _is_at(each, organisation)]
    if by_itself:
        return None, by_itself[0].client_id, ""
    clients = [each for each in applications if each.mode is AccessMode.USER_RESTRICTED]
    people = [user for user in await tx.directory.users() if user.active and _is_surely_known(user)]
    suitable = [(user, place) for user in people for place in _places(user, function, organisation)]
    suitable = suitable or [(user, place) for user in people for place in _places(user, function, "")]
    if not suitable or not clients:
        return None
    preferred = _preferred(held.content, function)
    user, place = next((each for each in suitable if each[0].id == preferred), suitable[0])
    return user.id, clients[0].client_id, place


def _is_at(application: Application, organisation: str) -> bool:
    return not organisation or application.organisation == organisation


def _is_surely_known(user: User) -> bool:
    return identity_is_verified(user.assurance) and method_is_accepted(user.assurance)


def _places(user: User, function: str, organisation: str) -> list[str]:
    """Return the organisations where a user has this function, limited to the requested organisation if given."""
    held = [role.organisation for role in user.roles if function in role.functions]
    return [place for place in held if organisation in ("", place)]


def _preferred(pack: Pack | None, function: str) -> str | None:
    """Return the user that the pack assigns to a function."""
    named = {} if pack is None else pack.open_to
    return next((user for each, user in named.items() if each == function), None)
