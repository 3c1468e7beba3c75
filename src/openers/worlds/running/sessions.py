"""Log-ins without a browser, with the service's own code: the same tokens as from the log-in page.

The control plane, the open door and the loader of packs call it.
"""

from __future__ import annotations

from uuid import uuid4

from openers.domain.credentials import CredentialKind, Session
from openers.domain.identifiers import UserId
from openers.identity.access import AccessCache
from openers.identity.tokens import SESSION_LIFE, Tokens, begin_session, issue_tokens
from openers.usecases.due import system_entry
from openers.usecases.sessions.ending import end_session
from openers.usecases.world import World
from openers.worlds.refusals import BadCall, Unknown


async def begin_session_of(user: str | None, client_id: str, world: World) -> Tokens:
    """Return tokens for a user at an application, or for an application itself. Raises Unknown."""
    now = world.wall.now()
    async with world.for_call(system_entry("Begin session", now)).begin("begin session") as tx:
        if await tx.directory.application(client_id) is None:
            raise Unknown(f"There is no application {client_id} in this world")
        if user is None:
            return await issue_tokens(tx, client_id, None, now)
        person = await tx.directory.user(_user_id(user))
        if person is None:
            raise Unknown(f"There is no person {user} in this world")
        session = Session(
            id=str(uuid4()), user=person.id, assurance=person.assurance, began=now, ends=now + SESSION_LIFE
        )
        await begin_session(tx, session)
        return await issue_tokens(tx, client_id, session, now)


async def end_sessions(user: str | None, world: World, access: AccessCache) -> int:
    """End the sessions of a user, or of all users, with all their tokens; return the number of sessions."""
    async with world.for_call(system_entry("End sessions", world.wall.now())).begin("end sessions") as tx:
        ended = [
            each for each in await tx.credentials.all(CredentialKind.SESSION, Session) if user in (None, each.user)
        ]
        for session in ended:
            await end_session(tx, session.id, world.wall.now())
    for session in ended:
        access.forget(session.id)
    return len(ended)


def _user_id(text: str) -> UserId:
    try:
        return UserId(text)
    except ValueError as error:
        raise BadCall(str(error)) from error
