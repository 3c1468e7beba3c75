"""What can be done with the card reader of a world: shared by its addresses and its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from openers.domain.directory import User
from openers.domain.identifiers import UserId
from openers.identity.access import AccessCache
from openers.identity.professional.tickets import destroy_ticket, find_session, ticket_of_card
from openers.usecases.due import system_entry
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.card_reader import insert_card, inserted_card, leave_idle, remove_card
from openers.usecases.world import World
from openers.worlds.refusals import BadCall, Unknown

Change = Callable[[Tx], Awaitable[Sequence[str]]]
"""Changes the reader in an act; returns the ids of the sessions that end."""
LOCK: Final = ("card reader",)
LONGEST_SOUGHT: Final = 100


class CardToInsert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card to insert: the number on it, which is its holder's id, and the only environment in which it works."""

    uuid: str
    environment: str | None = None


class CardActs(msgspec.Struct, frozen=True):
    """The acts; a session that ends with its card is forgotten by `access` at once."""

    access: AccessCache

    async def insert(self, card: CardToInsert, world: World) -> object:
        """Put a card into the reader. Raises BadCall for the card of another environment, Unknown."""
        if card.environment not in {None, world.public_name}:
            raise BadCall(
                f"environment: the card works in {str(card.environment)[:40]!r} only, and this is the reader of "
                f"{world.public_name}. Insert a card of this environment: see /_test/cards"
            )
        holder, now = await _holder(card.uuid, world), world.wall.now()
        return await self._changed("insert card", lambda tx: insert_card(tx, holder, now), world)

    async def remove(self, world: World) -> object:
        """Remove the card, and end what rests on it."""
        now = world.wall.now()
        return await self._changed("remove card", lambda tx: remove_card(tx, now), world)

    async def leave_idle(self, world: World) -> object:
        """End what rests on the card, which stays."""
        now = world.wall.now()
        return await self._changed("leave card idle", lambda tx: leave_idle(tx, now), world)

    async def destroy(self, world: World) -> object:
        """End the log-in token of the card, with its sessions."""
        entry = system_entry("Destroy ticket", world.wall.now())
        async with world.for_call(entry).begin("destroy ticket", lock=LOCK) as tx:
            ended = await destroy_ticket(tx, world.wall.now())
        if ended is not None:
            self.access.forget(ended)
        return {"ended": 0 if ended is None else 1}

    async def _changed(self, act: str, change: Change, world: World) -> object:
        entry = system_entry(act.capitalize(), world.wall.now())
        async with world.for_call(entry).begin(act, lock=LOCK) as tx:
            ended = await change(tx)
            card = await inserted_card(tx)
        for session in ended:
            self.access.forget(session)
        return {"inserted": None if card is None else card.user, "ended": len(ended)}


async def issue(world: World, *, renew: bool) -> str:
    """Return the ticket of the card in the reader, made if there is none or with `renew`. Raises BadCall."""
    entry = system_entry("Issue ticket", world.wall.now())
    async with world.for_call(entry).begin("issue ticket", lock=LOCK) as tx:
        ticket = await ticket_of_card(tx, world, renew=renew)
    if ticket is None:
        raise BadCall(
            "No ticket can be issued: the reader is empty, or the holder of the card is not active. "
            "Insert the card of an active person (PUT /_test/cards/inserted)"
        )
    return ticket


async def present_ticket(world: World) -> str | None:
    """Return the ticket of the card in the reader, if it has one that has not ended."""
    async with world.read() as tx:
        card = await inserted_card(tx)
        known = card is not None and await find_session(tx, card.ticket, world.wall.now()) is not None
    return card.ticket if card is not None and known else None


async def cards_of(world: World, sought: str, most: int) -> tuple[User | None, Sequence[User]]:
    """Return the holder of the card in the reader, and the first `most` active people whom a text finds."""
    async with world.read() as tx:
        card = await inserted_card(tx)
        holder = None if card is None else await tx.directory.user(card.user)
        return holder, await tx.directory.find_users(sought[:LONGEST_SOUGHT], most)


async def _holder(uuid: str, world: World) -> UserId:
    """Return the holder of a card. Raises BadCall, Unknown."""
    try:
        user = UserId(uuid)
    except ValueError as error:
        raise BadCall(f"uuid: {error}") from error
    async with world.read() as tx:
        person = await tx.directory.user(user)
    if person is None or not person.active:
        raise Unknown(f"There is no person {user} in this world who can log in: see /_test/cards")
    return user
