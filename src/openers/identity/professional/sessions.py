"""Begin, complete, use and end professional sessions (A001, A002, the third call, A003). Source: ADR 0072.

Sessions are in the store, so that every process knows them. They end with the session of their smartcard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec

from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind, Session
from openers.domain.directory import User
from openers.domain.identifiers import UserId
from openers.domain.principal import SPCA
from openers.domain.sessions.professional import (
    LONGEST_KEY,
    ProfessionalSession,
    Selection,
    SessionFault,
    SessionRefused,
    SessionRules,
    SessionState,
    act_for_fault,
    permissions_of,
)
from openers.identity.assurance import identity_is_verified, method_is_accepted
from openers.identity.opaque import digest, same
from openers.identity.professional.tickets import LONGEST_TOKEN, as_sent, is_plain, prove
from openers.usecases.due import system_entry
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_TOO_WEAK: Final = (
    "The log-in of the holder is too weak: the authenticator or the identity has a level that the API does not accept. "
    "Let another person log in, or raise the level in the directory."
)
WITHOUT_CARD: Final = "begin professional session without a smartcard"
"""The act of a session that began with the sandpit's token."""
KEY_START: Final = "pro-xapi-session_"
_KIND: Final = CredentialKind.PROFESSIONAL_SESSION


class OpenSession(NamedTuple):
    """A session with its holder, and the clinician for whom they act."""

    session: ProfessionalSession
    user: User
    clinician: User | None = None


async def begin(token: str, asid: str, rules: SessionRules, world: World) -> tuple[OpenSession, str]:
    """Begin a session for the holder of a log-in token; return it with the token as issued. Raises SessionRefused."""
    issued, now = as_sent(token[:LONGEST_TOKEN]), world.wall.now()
    async with world.begin("begin professional session") as tx:
        core = await prove(tx, issued, rules, world)
        if is_plain(issued):
            world.entry.act = WITHOUT_CARD
        user = await tx.directory.user(core.user)
        if user is None or not user.active:
            raise SessionRefused(SessionFault.TOKEN_NOT_VALID, "The holder of the smartcard is not active here.")
        if not (method_is_accepted(core.assurance) and identity_is_verified(core.assurance)):
            raise SessionRefused(SessionFault.LOG_IN_TOO_WEAK, _TOO_WEAK)
        session = ProfessionalSession(
            id=f"{KEY_START}{uuid4()}",
            core=core.id,
            user=user.id,
            asid=asid,
            token=digest(issued),
            began=now,
            used=now,
            ends=min(core.ends, now + rules.longest),
        )
        await tx.credentials.add(_KIND, digest(session.id), session, session.ends, core.id)
        _record(world.entry, session)
        return OpenSession(session, user), issued


async def open_session(key: str, asid: str, rules: SessionRules, world: World) -> OpenSession:
    """Return the session of a key that has not ended, in any state. Raises SessionRefused."""
    async with world.read() as tx:
        return await _find(tx, key, asid, rules, world.wall.now())


async def use_session(key: str, asid: str, rules: SessionRules, world: World) -> OpenSession:
    """Return a valid session for a call of an operation, and record its use now and then. Raises SessionRefused."""
    found, now = await open_session(key, asid, rules, world), world.wall.now()
    if found.session.state is not SessionState.VALID:
        missing = "choose a role (A002)"
        if found.session.state is SessionState.INCOMPLETE:
            missing = "name the clinician for whom you act (A002 with onBehalfOf)"
        raise SessionRefused(
            SessionFault.SESSION_NOT_ESTABLISHED, f"The session is not completely established: {missing} first."
        )
    if now - found.session.used >= rules.noted_after:
        used = msgspec.structs.replace(found.session, used=now)
        async with world.for_call(system_entry("Use session", now)).begin("use professional session") as tx:
            await tx.credentials.replace(_KIND, digest(key), used)
    return found


async def select(key: str, asid: str, chosen: Selection, rules: SessionRules, world: World) -> OpenSession:
    """Choose the role of a session, or the clinician for whom its holder acts. Raises SessionRefused."""
    now = world.wall.now()
    async with world.begin("select role", lock=(digest(key),)) as tx:
        found = await _find(tx, key, asid, rules, now)
        session = found.session
        _record(world.entry, session)
        if chosen.token and not same(digest(as_sent(chosen.token)), session.token):
            raise SessionRefused(
                SessionFault.TOKEN_DIFFERS, "The token is not that of the session. Send that of A001, or none."
            )
        changed = msgspec.structs.replace(await _changed(tx, found, chosen), used=now)
        await tx.credentials.replace(_KIND, digest(key), changed)
        _record(world.entry, changed)
        return await _with_clinician(tx, changed, found.user)


async def end(key: str, asid: str, rules: SessionRules, world: World) -> OpenSession:
    """End a session; its smartcard session goes on. Return it as it was. Raises SessionRefused."""
    async with world.begin("end professional session", lock=(digest(key),)) as tx:
        found = await _find(tx, key, asid, rules, world.wall.now())
        await tx.credentials.take(_KIND, digest(key), ProfessionalSession)
        _record(world.entry, found.session)
        return found


async def clinicians_for(opened: OpenSession, world: World) -> Sequence[User]:
    """Return the clinicians for whom the holder of an incomplete session may act, sorted by id."""
    permission = opened.session.permission
    if permission is None or permission.function is not SPCA:
        return ()
    async with world.read() as tx:
        everybody = await tx.directory.users_at(permission.organisation)
    return [each for each in everybody if act_for_fault(opened.user, each, permission.organisation) is None]


async def _changed(tx: Tx, found: OpenSession, chosen: Selection) -> ProfessionalSession:
    match found.session.state:
        case SessionState.PROVISIONAL:
            return _with_role(found, chosen)
        case SessionState.INCOMPLETE if chosen.names_clinician:
            return await _acting(tx, found, chosen.on_behalf_of)
        case SessionState.INCOMPLETE if chosen.permission is None:
            raise SessionRefused(
                SessionFault.ON_BEHALF_OF_MISSING, "onBehalfOf is missing: name one of onBehalfOfUsers."
            )
        case SessionState.VALID if chosen.names_clinician:
            raise SessionRefused(
                SessionFault.ON_BEHALF_OF_NOT_EXPECTED,
                "The session is established, so nobody can be named in onBehalfOf. Begin a new session for another.",
            )
        case _:
            raise SessionRefused(
                SessionFault.ROLE_ALREADY_CHOSEN,
                "The session has a role already. Begin a new session (A001) for another one.",
            )


def _with_role(found: OpenSession, chosen: Selection) -> ProfessionalSession:
    if chosen.permission is None:
        if chosen.names_clinician:
            raise SessionRefused(
                SessionFault.SESSION_NOT_ESTABLISHED, "The session has no role yet: choose one before onBehalfOf."
            )
        raise SessionRefused(
            SessionFault.VALIDATION_FAILED,
            "permission is missing: send permission with businessFunction and orgIdentifier, as A001 lists them.",
        )
    if chosen.permission not in permissions_of(found.user):
        raise SessionRefused(
            SessionFault.PERMISSION_NOT_HELD,
            f"The user does not have the function {chosen.permission.function} at {chosen.permission.organisation}. "
            "Choose one that A001 lists.",
        )
    return msgspec.structs.replace(found.session, permission=chosen.permission)


async def _acting(tx: Tx, found: OpenSession, named: UserId | None) -> ProfessionalSession:
    permission = found.session.permission
    if permission is None:
        raise RuntimeError("a session without a role is not incomplete but provisional")
    clinician = None if named is None else await tx.directory.user(named)
    fault = act_for_fault(found.user, clinician, permission.organisation)
    if fault is not None:
        raise SessionRefused(fault, f"{_WHY[fault]} Choose one of onBehalfOfUsers, which A002 lists.")
    return msgspec.structs.replace(found.session, on_behalf_of=named)


async def _find(tx: Tx, key: str, asid: str, rules: SessionRules, now: Instant) -> OpenSession:
    session = await _stored(tx, key)
    core = None if session is None else await tx.credentials.get(CredentialKind.SESSION, session.core, Session)
    if session is None or core is None or now >= core.ends or session.is_over(rules, now):
        raise SessionRefused(SessionFault.SESSION_NOT_FOUND, _not_found(rules))
    if session.asid != asid:
        raise SessionRefused(
            SessionFault.SESSION_OF_ANOTHER_SYSTEM,
            f"The session was begun by another system than the one with the ASID {asid}. Begin one of your own.",
        )
    user = await tx.directory.user(session.user)
    held = session.permission is None or (user is not None and session.permission in permissions_of(user))
    if user is None or not user.active or not held:
        raise SessionRefused(SessionFault.PERMISSION_NOT_HELD, "The user has left, or has lost the role. Log in again.")
    return await _with_clinician(tx, session, user)


async def _with_clinician(tx: Tx, session: ProfessionalSession, user: User) -> OpenSession:
    if session.on_behalf_of is None or session.permission is None:
        return OpenSession(session, user)
    clinician = await tx.directory.user(session.on_behalf_of)
    fault = act_for_fault(user, clinician, session.permission.organisation)
    if fault is not None:
        raise SessionRefused(fault, f"{_WHY[fault]} Begin a new session.")
    return OpenSession(session, user, clinician)


def _record(entry: AuditEntry, session: ProfessionalSession) -> None:
    """Add the person and the role of a session to the audit entry."""
    entry.user, entry.session, entry.on_behalf_of = session.user, session.id, session.on_behalf_of
    if session.permission is not None:
        entry.organisation, entry.business_function = session.permission.organisation, session.permission.function


async def _stored(tx: Tx, key: str) -> ProfessionalSession | None:
    if not key or len(key) > LONGEST_KEY:
        return None
    return await tx.credentials.get(_KIND, digest(key), ProfessionalSession)


def _not_found(rules: SessionRules) -> str:
    return (
        "The session is not known. It was deleted, its smartcard was removed, or it was not used for "
        f"{_duration(rules.idle)} or lasted {_duration(rules.longest)}. Begin a new one (A001)."
    )


def _duration(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    if seconds % 3600 == 0:
        return f"{seconds // 3600} hours"
    return f"{seconds // 60} minutes" if seconds % 60 == 0 else f"{seconds} seconds"


_WHY: Final = {
    SessionFault.ON_BEHALF_OF_NOT_VALID: "onBehalfOf does not name an active user by 12 digits.",
    SessionFault.ON_BEHALF_OF_NOT_AT_ORGANISATION: "The user in onBehalfOf does not work at the organisation.",
    SessionFault.ON_BEHALF_OF_NOT_SPC: "The user in onBehalfOf is not a SERVICE_PROVIDER_CLINICIAN there.",
    SessionFault.ON_BEHALF_OF_NO_COMMON_SERVICE: "The user in onBehalfOf shares no service with you.",
}
