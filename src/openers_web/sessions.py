"""Sessions of people in a browser: a random id in the cookie, encrypted state under its digest, bounded in time.

The store also holds log-ins that have begun (ten minutes) and drafts of forms (24 hours).
Source: OWASP Session Management; ADR 0064.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, delete, insert, select, update

from openers_web.database import Database
from openers_web.parts.texts import Flash
from openers_web.sealing import CannotOpen, Sealer, digest

IDLE_S: Final = 30 * 60
"""A session ends after this time without a request."""
LONGEST_S: Final = 12 * 3600
"""A session ends after this time in any case."""
TOUCH_S: Final = 60
"""The end of a session is moved at most this often, so that reading rarely writes."""
PAST_S: Final = 3600
"""A session that ended by itself stays this long, so that a form sent afterwards becomes a draft of its owner."""
LOG_IN_S: Final = 600
DRAFT_S: Final = 24 * 3600
LARGEST_STATE: Final = 64 * 1024

TABLES: Final = MetaData()
_SESSIONS: Final = Table(
    "web_sessions",
    TABLES,
    Column("key", LargeBinary, primary_key=True),
    Column("provider_session", LargeBinary, index=True, nullable=False),
    Column("subject", LargeBinary, index=True, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("ends_when_idle", BigInteger, index=True, nullable=False),
    Column("refreshed_until", BigInteger, nullable=False),
)
_BEGUN: Final = Table(
    "web_log_ins",
    TABLES,
    Column("key", LargeBinary, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("ends", BigInteger, index=True, nullable=False),
)
_DRAFTS: Final = Table(
    "web_drafts",
    TABLES,
    Column("key", LargeBinary, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("ends", BigInteger, index=True, nullable=False),
)

Clock = Callable[[], float]
Kept = TypeVar("Kept")


class Person(msgspec.Struct, frozen=True):
    """Who is logged in, by the claims of the provider."""

    subject: str
    name: str
    claims: dict[str, Any]


class Tokens(msgspec.Struct, frozen=True):
    """Tokens of the provider; `access_until` is in seconds since 1970, by the application's clock."""

    access: str
    access_until: float
    refresh: str = ""
    id_token: str = ""


class Session(msgspec.Struct, frozen=True):
    """The state of a session. `data` is for the application: short texts, such as the role that was chosen last."""

    person: Person
    tokens: Tokens
    data: dict[str, str] = {}
    flashes: tuple[Flash, ...] = ()


class NoSession(Exception):
    """There is no session with this id, or it has ended."""


class StateTooLarge(Exception):
    """The application keeps more in a session or draft than the store allows."""


class SessionStore:
    """Sessions, log-ins that have begun, and drafts."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        """Use a database made with `TABLES`; `clock` returns seconds since 1970."""
        self._database, self._sealer, self._clock = database, sealer, clock

    async def begin(self, session: Session, provider_session: str = "") -> str:
        """Store a new session; return its id, which only the cookie holds.

        `provider_session` is the `sid` of the provider.
        """
        id = secrets.token_urlsafe(32)
        now = int(self._clock())
        values: dict[str, object] = {
            "key": digest(id),
            "provider_session": digest(provider_session) if provider_session else b"",
            "subject": digest(session.person.subject),
            "state": self._sealed(session, digest(id)),
            "ends": now + LONGEST_S,
            "ends_when_idle": now + IDLE_S,
            "refreshed_until": 0,
        }
        await self._database.run(lambda db: db.execute(insert(_SESSIONS).values(values)))
        return id

    async def read(self, id: str) -> Session:
        """Return a session and move its end. Raises NoSession."""
        return await self._database.run(lambda db: self._read(db, digest(id), lock=False))

    async def owner(self, id: str) -> str | None:
        """Return the subject of a session, also of one that ended by itself within the last hour."""
        query = select(_SESSIONS.c.state).where(_SESSIONS.c.key == digest(id))
        state = await self._database.run(lambda db: db.execute(query).scalar())
        try:
            return None if state is None else self._opened(state, digest(id)).person.subject
        except NoSession:
            return None

    async def change(self, id: str, change: Callable[[Session], Session]) -> Session:
        """Replace the state of a session by what `change` makes of it; concurrent changes wait. Raises NoSession."""
        key = digest(id)

        def work(db: Connection) -> Session:
            changed = change(self._read(db, key, lock=True))
            db.execute(update(_SESSIONS).where(_SESSIONS.c.key == key).values(state=self._sealed(changed, key)))
            return changed

        return await self._database.run(work)

    async def end(self, id: str) -> None:
        """End a session."""
        await self._database.run(lambda db: db.execute(delete(_SESSIONS).where(_SESSIONS.c.key == digest(id))))

    async def end_at_provider(self, provider_session: str, subject: str) -> int:
        """End the sessions of one session at the provider, or all of a subject if none is named; return how many."""
        which = (
            _SESSIONS.c.provider_session == digest(provider_session)
            if provider_session
            else _SESSIONS.c.subject == digest(subject)
        )
        return await self._database.run(lambda db: db.execute(delete(_SESSIONS).where(which)).rowcount)

    async def claim_refresh(self, id: str, seconds: int) -> bool:
        """Return whether this caller may refresh the tokens of a session now; others may after `seconds`."""
        now = int(self._clock())
        claim = update(_SESSIONS).where(_SESSIONS.c.key == digest(id), _SESSIONS.c.refreshed_until <= now)
        return await self._database.run(
            lambda db: db.execute(claim.values(refreshed_until=now + seconds)).rowcount == 1
        )

    async def release_refresh(self, id: str) -> None:
        """Allow the next refresh of a session."""
        release = update(_SESSIONS).where(_SESSIONS.c.key == digest(id)).values(refreshed_until=0)
        await self._database.run(lambda db: db.execute(release))

    async def keep_log_in(self, state: str, begun: object) -> None:
        """Store what a log-in needs when the browser comes back with `state`."""
        await self._keep(_BEGUN, digest(state), begun, LOG_IN_S)

    async def take_log_in(self, state: str, kind: type[Kept]) -> Kept | None:
        """Return a log-in that has begun, once; None if there is none or it is too old."""
        key = digest(state)

        def work(db: Connection) -> Kept | None:
            found = self._find(db, _BEGUN, key, kind)
            taken = db.execute(delete(_BEGUN).where(_BEGUN.c.key == key)).rowcount
            return found if taken else None  # of two that take it at the same time, one deletes it

        return await self._database.run(work)

    async def keep_draft(self, subject: str, path: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Keep what a person typed in the form of a path, for 24 hours. Raises StateTooLarge."""
        await self._keep(_DRAFTS, _draft_key(subject, path), pairs, DRAFT_S)

    async def draft(self, subject: str, path: str) -> Sequence[tuple[str, str]] | None:
        """Return the draft of a person for a path."""
        key = _draft_key(subject, path)
        return await self._database.run(lambda db: self._find(db, _DRAFTS, key, list[tuple[str, str]]))

    async def drop_draft(self, subject: str, path: str) -> None:
        """Delete the draft of a person for a path."""
        key = _draft_key(subject, path)
        await self._database.run(lambda db: db.execute(delete(_DRAFTS).where(_DRAFTS.c.key == key)))

    async def purge(self) -> int:
        """Delete everything that has ended; return the number of rows. Run it each hour."""
        now = int(self._clock())

        def work(db: Connection) -> int:
            ended = (_SESSIONS.c.ends_when_idle <= now - PAST_S) | (_SESSIONS.c.ends <= now - PAST_S)
            rows = db.execute(delete(_SESSIONS).where(ended)).rowcount
            return rows + sum(db.execute(delete(each).where(each.c.ends <= now)).rowcount for each in (_BEGUN, _DRAFTS))

        return await self._database.run(work)

    def _read(self, db: Connection, key: bytes, *, lock: bool) -> Session:
        now = int(self._clock())
        query = select(_SESSIONS).where(_SESSIONS.c.key == key)
        row = db.execute(query.with_for_update() if lock else query).mappings().first()
        if row is None or row["ends"] <= now or row["ends_when_idle"] <= now:
            raise NoSession
        if row["ends_when_idle"] < now + IDLE_S - TOUCH_S:
            db.execute(update(_SESSIONS).where(_SESSIONS.c.key == key).values(ends_when_idle=now + IDLE_S))
        return self._opened(row["state"], key)

    def _opened(self, state: bytes, key: bytes) -> Session:
        try:
            return msgspec.json.decode(self._sealer.open(state, key), type=Session)
        except CannotOpen as error:
            raise NoSession from error

    async def _keep(self, table: Table, key: bytes, value: object, seconds: int) -> None:
        state, ends = self._sealed(value, key), int(self._clock()) + seconds

        def work(db: Connection) -> None:
            db.execute(delete(table).where(table.c.key == key))
            db.execute(insert(table).values(key=key, state=state, ends=ends))

        await self._database.run(work)

    def _find(self, db: Connection, table: Table, key: bytes, kind: type[Kept]) -> Kept | None:
        query = select(table.c.state).where(table.c.key == key, table.c.ends > int(self._clock()))
        state = db.execute(query).scalar()
        try:
            return None if state is None else msgspec.json.decode(self._sealer.open(state, key), type=kind)
        except CannotOpen:
            return None

    def _sealed(self, value: object, key: bytes) -> bytes:
        content = msgspec.json.encode(value)
        if len(content) > LARGEST_STATE:
            raise StateTooLarge(f"at most {LARGEST_STATE // 1024} kB are kept; there are {len(content) // 1024} kB")
        return self._sealer.seal(content, key)


def _draft_key(subject: str, path: str) -> bytes:
    return digest(f"{subject}\0{path}")
