"""A001, A002 and A003: begin, complete and end a session. Source: ADR 0072."""

from __future__ import annotations

from openers.api.call import Call
from openers.api.http.reply import Header, Reply
from openers.api.http.request import Stop
from openers.api.legacy.dialects import JSON
from openers.api.legacy.headers import SESSION_KEY
from openers.api.legacy.registry import SessionContext, serves_session
from openers.domain.identifiers import OdsCode
from openers.domain.sessions.professional import SessionState, permissions_of
from openers.identity.professional.sessions import OpenSession, begin, clinicians_for, end, select
from openers.identity.professional.tickets import as_sent
from openers.usecases.world import World
from openers.wire.session_v1.bodies import read_selection, read_token, write_session
from openers.wire.session_v1.problems import headers_differ

_JSON: Header = (b"content-type", JSON)


@serves_session("A001", audit="API Professional login attempt", success=201)
async def create_professional_session(context: SessionContext, call: Call) -> Reply:
    """Begin a session with the token of a smartcard."""
    token = read_token(await call.incoming.whole())
    opened, issued = await begin(token, context.asid, context.rules, call.world)
    return call.plain(await _written(opened, issued, call.world), _JSON)


@serves_session("A002", audit="API Establish Session", success=200)
async def select_role(context: SessionContext, call: Call) -> Reply:
    """Choose the role of a session, or name the clinician for whom its holder acts."""
    key = _key(context, call)
    chosen = read_selection(await call.incoming.whole(), next(iter(call.values_of("onBehalfOf")), None))
    opened = await select(key, context.asid, chosen, context.rules, call.world)
    return call.plain(await _written(opened, as_sent(chosen.token), call.world), _JSON)


@serves_session("A003", audit="API Close Session", success=204)
async def delete_professional_session(context: SessionContext, call: Call) -> Reply:
    """End a session. A body is ignored."""
    await end(_key(context, call), context.asid, context.rules, call.world)
    return call.plain(b"")


def _key(context: SessionContext, call: Call) -> str:
    """Return the key, which path and header both name. Raises Stop if they differ."""
    if call.path["sessionKey"] != context.key:
        raise Stop(headers_differ(f"The session key in the path and in {SESSION_KEY}", 2))
    return context.key


async def _written(opened: OpenSession, token: str, world: World) -> bytes:
    session = opened.session
    permissions = permissions_of(opened.user)
    waits = session.state is SessionState.INCOMPLETE
    clinicians = await clinicians_for(opened, world) if waits else ()
    async with world.read() as tx:
        found = {each.organisation: await tx.directory.organisation(each.organisation) for each in permissions}
    names: dict[OdsCode, str] = {ods: each.name for ods, each in found.items() if each is not None}
    people = (opened.user, clinicians, opened.clinician)
    return write_session(session, permissions, people, token=token, names=names)
