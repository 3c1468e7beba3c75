"""Log-in tokens of smartcard sessions, in the form of the time: issued by a card reader, exchanged by A001.

A token is stored under its digest and ends with its session, so that removing the card ends it. Source: ADR 0072.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Final
from urllib.parse import unquote
from uuid import uuid4

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind, InsertedCard, Session
from openers.domain.directory import User
from openers.domain.identifiers import UserId
from openers.domain.sessions.professional import SessionFault, SessionRefused, SessionRules
from openers.identity.opaque import digest
from openers.identity.tokens import SESSION_LIFE, begin_session
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.card_reader import READER, inserted_card
from openers.usecases.sessions.ending import end_session
from openers.usecases.world import World

LONGEST_TOKEN: Final = 512
"""Maximum characters of a log-in token, of which a real one has 63."""
_START: Final = bytes.fromhex("010202e703362d8e127dcc")
_RANDOM_BYTES: Final = 20
_READER_BYTES: Final = 4
"""Bytes of a token that tell its reader, so that the token of another environment is refused with this reason."""
_LENGTH: Final = len(_START) + _RANDOM_BYTES + _READER_BYTES
_END: Final = "@AAJTSQACMDE=#"
_SANDPIT: Final = re.compile(r"([0-9]{12})(?: [^ ]{1,40}){3}", re.ASCII)
_ENDED: Final = (
    "The token is not valid: its smartcard session has ended, or it was never issued here. "
    "Fetch a new one from the card reader."
)
_ELSEWHERE: Final = (
    "The token comes from the card reader of another environment: a card works in one environment only. "
    "Insert a card of this environment, and fetch the token from its reader."
)


class Ticket(msgspec.Struct, frozen=True):
    """The record of a log-in token: the smartcard session that it proves."""

    session: str


def as_sent(token: str) -> str:
    """Return a token as it was issued: without surrounding blanks, and decoded if a browser had encoded it."""
    token = token.strip()
    return unquote(token).strip() if "%" in token else token


async def ticket_of_card(tx: Tx, world: World, *, renew: bool = False) -> str | None:
    """Return the token of the card in the reader, a new one if it has none; `None` without a card.

    With `renew`, the present token ends. Sessions that began with it go on.
    """
    card, now = await inserted_card(tx), world.wall.now()
    if card is None:
        return None
    known = await find_session(tx, card.ticket, now) if card.ticket else None
    if known is not None and not renew:
        return card.ticket
    person = await tx.directory.user(card.user)
    if person is None or not person.active:
        return None
    if known is not None:
        await tx.credentials.take(CredentialKind.TICKET, digest(card.ticket), Ticket)
    session = known or await _begin(tx, person, now)
    ticket = _new_ticket(world)
    await tx.credentials.add(CredentialKind.TICKET, digest(ticket), Ticket(session.id), session.ends, session.id)
    await tx.credentials.replace(CredentialKind.CARD, READER, msgspec.structs.replace(card, ticket=ticket))
    return ticket


async def destroy_ticket(tx: Tx, now: Instant) -> str | None:
    """End the token of the card in the reader, with its session; return the session's id. The card stays."""
    card = await inserted_card(tx)
    known = await find_session(tx, card.ticket, now) if card is not None and card.ticket else None
    if card is None or known is None:
        return None
    await end_session(tx, known.id, now)
    await tx.credentials.replace(CredentialKind.CARD, READER, InsertedCard(user=card.user, since=card.since))
    return known.id


async def find_session(tx: Tx, token: str, now: Instant) -> Session | None:
    """Return the smartcard session that a token proves, if it has not ended."""
    ticket = await tx.credentials.get(CredentialKind.TICKET, digest(token), Ticket)
    session = None if ticket is None else await tx.credentials.get(CredentialKind.SESSION, ticket.session, Session)
    return None if session is None or now >= session.ends else session


def is_plain(token: str) -> bool:
    """Return whether this is the sandpit's token, which no card reader issues."""
    return _SANDPIT.fullmatch(token) is not None


async def prove(tx: Tx, token: str, rules: SessionRules, world: World) -> Session:
    """Return the smartcard session of a token. Raises SessionRefused.

    The sandpit's token begins one, where `rules` accept it.
    """
    now = world.wall.now()
    session = await find_session(tx, token, now)
    if session is not None:
        return session
    plain = _SANDPIT.fullmatch(token) if rules.plain else None
    person = None if plain is None else await tx.directory.user(UserId(plain[1]))
    if person is None or not person.active:
        reader = reader_in(token)
        elsewhere = reader is not None and reader != _reader(world)
        raise SessionRefused(SessionFault.TOKEN_NOT_VALID, _ELSEWHERE if elsewhere else _ENDED)
    return await _begin(tx, person, now)


async def _begin(tx: Tx, person: User, now: Instant) -> Session:
    session = Session(id=str(uuid4()), user=person.id, assurance=person.assurance, began=now, ends=now + SESSION_LIFE)
    await begin_session(tx, session)
    return session


def _new_ticket(world: World) -> str:
    return b64encode(_START + secrets.token_bytes(_RANDOM_BYTES) + _reader(world)).decode() + _END


def _reader(world: World) -> bytes:
    """Return what tells the reader of a world from those of other environments."""
    return sha256(world.base_url.encode()).digest()[:_READER_BYTES]


def reader_in(token: str) -> bytes | None:
    """Return what tells the reader that has issued a token; `None` if it has another form."""
    try:
        content = b64decode(token.removesuffix(_END), validate=True)
    except ValueError:
        return None
    return content[-_READER_BYTES:] if len(content) == _LENGTH and content.startswith(_START) else None
