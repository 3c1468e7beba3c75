"""Issue smartcards in their environments: once, and to the end, also if the portal was killed on the way.

A card is stored as waiting before its environment is asked. Each step can be repeated: the number of a card is chosen
before, and an environment that has it already has nothing to do. A certificate is different: whoever asked for it may
have gone with the key. If the reply was lost, the environment forgets the certificate.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import anyio
import msgspec

from openers_portal.environment import Environment, EnvironmentDown, EnvironmentRefuses
from openers_portal.packing import finish_packs
from openers_portal.rules.cards import Card, CardState, record_of, with_roles
from openers_portal.rules.endpoints import Endpoint
from openers_portal.store.cards import StoredCard
from openers_portal.store.portal_store import PortalStore

PEOPLE: Final = "people"
PAUSE_S: Final = 5.0
TRIES: Final = 5
"""How often roles are added to a record that others change at the same time."""
OUTDATED: Final = 412
FINAL: Final = frozenset({400, 404, 409, OUTDATED, 413, 422})
"""Statuses after which the same request would be refused again; after any other one the card waits."""
Environments = Mapping[str, Environment]
_LOG: Final = logging.getLogger("openers_portal")


async def finish_always(store: PortalStore, environments: Environments) -> None:
    """Finish waiting cards and test packs until cancelled."""
    while True:
        try:
            await finish_waiting(store, environments)
            await finish_packs(store, environments)
            await undo_lost(store, environments)
        except Exception as error:
            _LOG.warning("cards and packs wait: %s", type(error).__name__)
        await anyio.sleep(PAUSE_S)


async def finish_waiting(store: PortalStore, environments: Environments) -> None:
    """Issue each waiting card whose environment answers."""
    down = set[str]()
    for each in await store.cards.waiting():
        name = each.card.environment
        if name in down or name not in environments:
            continue
        try:
            await finish(each, store, environments)
        except EnvironmentDown:
            down.add(name)


async def undo_lost(store: PortalStore, environments: Environments) -> None:
    """Take each certificate whose reply was lost from its endpoint, where it opens nothing any more."""
    down = set[str]()
    async for endpoint in store.endpoints.unsettled():
        environment = environments.get(endpoint.environment)
        if environment is None or endpoint.environment in down:
            continue
        try:
            await _undo(endpoint, store, environment)
        except EnvironmentDown:
            down.add(endpoint.environment)
        except EnvironmentRefuses as error:
            _LOG.warning("certificates of %s wait: %s", endpoint.asid, type(error).__name__)


async def _undo(endpoint: Endpoint, store: PortalStore, environment: Environment) -> None:
    """Let the environment keep the certificates that the portal knows, if none was asked for meanwhile.

    The portal's record is read after that of the environment, whose version guards the change: a certificate that is
    issued in between is not taken away.
    """
    present = await environment.read("endpoints", endpoint.asid)
    now = await store.endpoints.change(endpoint.asid, lambda one: one)
    if now.asked != endpoint.asked:
        return
    known = {each.fingerprint for each in now.certificates}
    held: list[dict[str, str]] = [] if present is None else present.record["certificates"]
    kept = [each for each in held if each["fingerprint"] in known]
    if present is not None and kept != held:
        record = {**present.record, "certificates": kept}
        await environment.replace("endpoints", endpoint.asid, record, present.version)
    await store.endpoints.change(endpoint.asid, lambda one: _settled(one, now))


def _settled(now: Endpoint, was: Endpoint) -> Endpoint:
    """Return the endpoint with nothing to settle, unless a certificate was asked for meanwhile."""
    return now if now.asked != was.asked else msgspec.structs.replace(now, asked=None, lost=False)


async def finish(stored: StoredCard, store: PortalStore, environments: Environments) -> str:
    """Issue a waiting card; return why its environment refuses it, empty if it does not. Raises EnvironmentDown."""
    if stored.state is not CardState.WAITING:
        return stored.card.refusal
    environment, refusal = environments[stored.card.environment], ""
    try:
        if stored.card.is_new:
            await _issue(stored.card, environment)
        else:
            await _add_roles(stored.card, environment)
    except EnvironmentRefuses as error:
        if error.status not in FINAL:
            raise EnvironmentDown(f"{stored.card.environment} issues no card now") from error
        refusal = ": ".join(each for each in (error.cause, error.cure) if each)
    ended = CardState.REFUSED if refusal else CardState.ISSUED
    await store.cards.ended(stored.id, ended, msgspec.structs.replace(stored.card, refusal=refusal))
    return refusal


async def _issue(card: Card, environment: Environment) -> None:
    """Make the holder of a new card. Raises EnvironmentDown, EnvironmentRefuses."""
    wanted = record_of(card)
    try:
        await environment.create(PEOPLE, card.uuid, wanted)
    except EnvironmentRefuses as error:
        present = await environment.read(PEOPLE, card.uuid) if error.status == OUTDATED else None
        if present is None or not _is_issued(present.record, card):
            raise


async def _add_roles(card: Card, environment: Environment) -> None:
    """Add roles to the holder of a card. Raises EnvironmentDown, EnvironmentRefuses."""
    for attempt in range(1, TRIES + 1):
        present = await environment.read(PEOPLE, card.uuid)
        if present is None:
            cause = f"There is no card {card.uuid} in {card.environment}"
            cure = "A card works only in the environment that issued it. Ask for a new one"
            raise EnvironmentRefuses(404, cause, cure)
        changed = with_roles(present.record, card)
        if changed == present.record:
            return
        try:
            await environment.replace(PEOPLE, card.uuid, changed, present.version)
        except EnvironmentRefuses as error:
            if error.status != OUTDATED or attempt == TRIES:
                raise
        else:
            return


def _is_issued(record: Mapping[str, Any], card: Card) -> bool:
    """Return whether a present person is the holder of the card, made by an attempt whose reply was lost."""
    return record["name"] == card.name and with_roles(record, card) == record
