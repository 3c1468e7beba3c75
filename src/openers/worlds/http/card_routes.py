"""`/_test/cards`: the smartcards of a world's people, and the reader into which one of them is put."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.requests import Request

from openers.domain.identifiers import UserId
from openers.identity.access import AccessCache
from openers.identity.professional.tickets import destroy_ticket, find_session, ticket_of_card
from openers.usecases.due import system_entry
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.card_reader import insert_card, inserted_card, leave_idle, remove_card
from openers.usecases.world import World
from openers.worlds.http.control import Offered, held_of, read_json, route
from openers.worlds.refusals import BadCall, Unknown

Change = Callable[[Tx], Awaitable[Sequence[str]]]
"""Changes the reader in an act; returns the ids of the sessions that end."""


class CardToInsert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card to insert. `uuid` is the number on it: the id of its holder."""

    uuid: str


def card_routes(access: AccessCache) -> list[Offered]:
    """Return the routes of cards."""

    async def _list(request: Request) -> object:
        return {"cards": await _cards(held_of(request).world)}

    async def _insert(request: Request) -> object:
        wanted, world = await read_json(request, CardToInsert), held_of(request).world
        holder, now = await _holder(wanted.uuid, world), world.wall.now()
        return await _changed("insert card", lambda tx: insert_card(tx, holder, now), world)

    async def _remove(request: Request) -> object:
        world = held_of(request).world
        now = world.wall.now()
        return await _changed("remove card", lambda tx: remove_card(tx, now), world)

    async def _idle(request: Request) -> object:
        world = held_of(request).world
        now = world.wall.now()
        return await _changed("leave card idle", lambda tx: leave_idle(tx, now), world)

    async def _changed(act: str, change: Change, world: World) -> object:
        entry = system_entry(act.capitalize(), world.wall.now())
        async with world.for_call(entry).begin(act, lock=("card reader",)) as tx:
            ended = await change(tx)
            card = await inserted_card(tx)
        for session in ended:
            access.forget(session)
        return {"inserted": None if card is None else card.user, "ended": len(ended)}

    async def _present(request: Request) -> object:
        world = held_of(request).world
        async with world.read() as tx:
            card = await inserted_card(tx)
            known = card is not None and await find_session(tx, card.ticket, world.wall.now()) is not None
        return {"ticket": card.ticket if card is not None and known else None}

    async def _ticket(request: Request) -> object:
        return await _issued(held_of(request).world, renew=False)

    async def _new_ticket(request: Request) -> object:
        return await _issued(held_of(request).world, renew=True)

    async def _destroy(request: Request) -> object:
        world = held_of(request).world
        entry = system_entry("Destroy ticket", world.wall.now())
        async with world.for_call(entry).begin("destroy ticket", lock=("card reader",)) as tx:
            ended = await destroy_ticket(tx, world.wall.now())
        if ended is not None:
            access.forget(ended)
        return {"ended": 0 if ended is None else 1}

    return [
        route("/_test/cards/ticket", {"GET": _present, "POST": _ticket, "DELETE": _destroy}),
        route("/_test/cards/ticket/new", {"POST": _new_ticket}),
        route("/_test/cards", {"GET": _list}),
        route("/_test/cards/inserted", {"PUT": _insert, "DELETE": _remove}),
        route("/_test/cards/idle", {"POST": _idle}),
    ]


async def _issued(world: World, *, renew: bool) -> object:
    """Return the ticket of the card in the reader, made if there is none or with `renew`. Raises BadCall."""
    entry = system_entry("Issue ticket", world.wall.now())
    async with world.for_call(entry).begin("issue ticket", lock=("card reader",)) as tx:
        ticket = await ticket_of_card(tx, world.wall.now(), renew=renew)
    if ticket is None:
        raise BadCall(
            "No ticket can be issued: the reader is empty, or the holder of the card is not active. "
            "Insert the card of an active person (PUT /_test/cards/inserted)"
        )
    return {"ticket": ticket}


async def _cards(world: World) -> list[dict[str, object]]:
    """Return the card of each person who can log in."""
    async with world.read() as tx:
        card = await inserted_card(tx)
        people = await tx.directory.users()
    return [
        {"uuid": each.id, "holder": each.name, "inserted": card is not None and each.id == card.user}
        for each in people
        if each.active
    ]


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
