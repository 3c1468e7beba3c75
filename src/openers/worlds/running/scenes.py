"""Run requests of a frozen world, each on a fork that is discarded afterwards.

A pack may have scenes: moments of its world with their own records, since one referral cannot be booked, unbooked and
rejected at once. A request that names a record runs in the moment with the record (`moments`). Any other request runs
in the scenes of its operation. An act runs in one scene after another until one accepts it. A question runs in all, and
the longest response counts. If every scene refuses, the request runs in the base world. If that refuses too, the first
refusal counts. A header names one scene for any operation. Test mode calls it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from openers.api.edge import PREFIX
from openers.api.http.request import Request, Scope, Stop, bounded
from openers.api.operation import Operation
from openers.api.routes import Routes
from openers.domain.attachments import LARGEST_PREVIEW
from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName
from openers.domain.geography import Point
from openers.domain.identifiers import Postcode
from openers.identity.access import bearer_of, open_bearer
from openers.identity.errors import InvalidToken
from openers.identity.opaque import digest
from openers.usecases.ports.transaction import ReferenceData
from openers.usecases.world import World
from openers.worlds.packs import Pack, Scene
from openers.worlds.running.ids import IdsState, SeededIds
from openers.worlds.running.moments import Moment, Named, moment_of_question, moments_of_act, named_in, named_in_text
from openers.worlds.running.registry import Worlds
from openers.worlds.running.running_world import Baseline, RunningWorld

NAMED: Final = b"x-openers-scene"
"""The header with which a request names its scene."""
MOST_SCENES: Final = 256
"""Maximum cached copies of scenes; the world `published` has 52 scenes."""
CREATED: Final = 201
REFUSED: Final = frozenset(range(400, 500)) - {429}
"""Statuses that mean that a request does not fit a scene."""
InWorld = Callable[[Scope, World, RunningWorld, Any, Any], Awaitable[None]]
"""Serves a request in a world other than that of its tenant."""


class Played(NamedTuple):
    """The world of a request, and its pack as it was read when the world was loaded."""

    held: RunningWorld
    pack: Pack


def _played(held: RunningWorld) -> Played:
    """Return the pack of a world; an empty one for a world without a pack."""
    return Played(held, held.content or Pack(name=held.pack, title="", day=date.min))


class Scenes:
    """The scenes of all packs, created on first use."""

    def __init__(self, worlds: Worlds, routes: Routes, in_world: InWorld) -> None:
        """Store the dependencies; `routes` find the operation of a request."""
        self._worlds, self._routes, self._in_world = worlds, routes, in_world
        self._origins = worlds.origins_of_scenes(MOST_SCENES)
        self._making = asyncio.Lock()

    async def play(self, scope: Scope, held: RunningWorld, receive: Any, send: Any) -> None:
        """Serve a request in the moment of the record that it names, or in the scenes for it. Raises NoForks."""
        asked = _asked(scope, self._routes)
        played = _played(held)
        if not played.pack.scenes or asked is None:
            return await self._serve(scope, played, None, receive, send)
        named = named_in(*asked.address)
        tried = asked.moments(played.pack, named)
        if len(tried) == 1 and not asked.may_name_in_body(named):
            return await self._serve(scope, played, tried[0], receive, send)
        within = self._worlds.settings.body_timeout_s
        body = await _whole(bounded(receive, LARGEST_PREVIEW, within))
        if asked.may_name_in_body(named) and (named := named_in_text(body.text)) is not None:
            tried = asked.moments(played.pack, named)
        best = await self._best(scope, played, tried, body, asked.is_act)
        return await best.repeat(send)

    async def _best(self, scope: Scope, played: Played, tried: Sequence[Moment], body: Body, is_act: bool) -> KeptReply:
        """Return the first acceptance of an act, the longest answer to a question, or else the first refusal."""
        taken, refused = list[KeptReply](), list[KeptReply]()
        for moment in tried:
            if taken and (moment is None or is_act):
                break
            said = KeptReply()
            await self._serve(scope, played, moment, body.again(), said)
            if said.failed:
                return said
            (taken if said.took else refused).append(said)
        return max(taken, key=lambda each: each.size) if taken else refused[0]

    async def _serve(self, scope: Scope, played: Played, moment: Moment, receive: Any, send: Any) -> None:
        """Serve a request in a fork of a moment, and delete the fork."""
        held, origin = played.held, None if moment is None else await self._origin(played, moment)
        async with self._worlds.thrown_away(held, origin) as fork:
            world = fork.world if moment is None else await self._at(moment, fork.world, scope, held)
            await self._in_world(scope, world, held, receive, send)

    async def _origin(self, played: Played, scene: Scene) -> Baseline:
        """Return the copy of the world at that moment."""
        async with self._making:
            key = (played.pack.reference, played.pack.read_as, scene.name)
            known = self._origins.get(key)
            if known is None:
                made = await self._worlds.made(_at(scene, played.pack))
                known = await self._origins.put(key, _with_ids(made, scene))
        return known

    async def _at(self, scene: Scene, fork: World, scope: Scope, held: RunningWorld) -> World:
        """Return the fork with the reference data of a scene."""
        await self._known_too(scope, held.world, fork)
        if not (scene.code_systems_changed or scene.codes):
            return fork
        return msgspec.structs.replace(fork, reference=ReferenceThen(fork.reference, scene))

    async def _known_too(self, scope: Scope, world: World, fork: World) -> None:
        """Copy the caller's session into the fork, which has none."""
        access = self._worlds.access
        if access is None:
            return
        try:
            token = bearer_of(Request(scope, PREFIX).header(b"authorization"))
            caller = await open_bearer(token, world, access)
        except InvalidToken:
            return
        access.put(fork.name, digest(token), caller, world.wall.now())


class ReferenceThen:
    """The `ReferenceData` port with the reference data at the moment of a scene."""

    def __init__(self, inner: ReferenceData, scene: Scene) -> None:
        """Store `inner`, which has all other reference data."""
        self._inner, self._scene = inner, scene

    def code_system(self, name: CodeSystemName) -> CodeSystem:
        """Return one of the six dynamic code systems."""
        system = self._inner.code_system(name)
        changed, there = self._scene.code_systems_changed.get(name, system.changed), self._scene.codes.get(name)
        concepts = {code: each for code, each in system.concepts.items() if there is None or code in there}
        return msgspec.structs.replace(system, changed=changed, concepts=concepts)

    def clinical_term(self, code: str) -> ClinicalTerm | None:
        """Return the SNOMED CT concept, if the dictionary has it."""
        return self._inner.clinical_term(code)

    def locate(self, postcode: Postcode) -> Point | None:
        """Return the location of a postcode's outward area."""
        return self._inner.locate(postcode)


class KeptReply:
    """A stored reply, sent later or discarded: ASGI's `send` for a scene."""

    def __init__(self) -> None:
        """Start without messages."""
        self._messages: list[Scope] = []

    async def __call__(self, message: Scope) -> None:
        """Store a message."""
        self._messages.append(message)

    @property
    def status(self) -> int:
        """Return the status; 0 if there was no reply, as with a fault that drops the connection."""
        return self._messages[0]["status"] if self._messages else 0

    @property
    def took(self) -> bool:
        """Return whether the request was accepted."""
        return 0 < self.status < min(REFUSED)

    @property
    def failed(self) -> bool:
        """Return whether the service or a PAS failed, perhaps by an injected fault; another scene would not help."""
        return not self.took and self.status not in REFUSED

    @property
    def size(self) -> int:
        """Return the size of the body, in bytes."""
        return sum(len(message.get("body", b"")) for message in self._messages)

    async def repeat(self, send: Any) -> None:
        """Send the stored reply."""
        for message in self._messages:
            await send(message)


class Asked(NamedTuple):
    """A request and its operation."""

    request: Request
    operation: Operation

    @property
    def is_act(self) -> bool:
        """Return whether the operation changes data."""
        return self.operation.changes or self.operation.success == CREATED

    @property
    def scene_named(self) -> str:
        """Return the scene that the request names; empty if none."""
        return self.request.header(NAMED)

    @property
    def address(self) -> tuple[str, str, str]:
        """Return path, query and, for an act, the header `If-Match`."""
        query = self.request.scope["query_string"].decode("latin-1")
        return self.request.path, query, self.request.header(b"if-match") if self.is_act else ""

    def may_name_in_body(self, named: Named | None) -> bool:
        """Return whether the body may name the record of an act, since the address names none."""
        return named is None and self.is_act and not self.scene_named and not self.operation.takes_file

    def moments(self, pack: Pack, named: Named | None) -> Sequence[Moment]:
        """Return the moments in which to try the request, in order, at least one."""
        if self.scene_named:
            return [each for each in pack.scenes if each.name == self.scene_named] or [None]
        if named is not None:
            find = moments_of_act if self.is_act else moment_of_question
            if found := find(named, pack, self.operation.id):
                return found
        return [*(each for each in pack.scenes if self.operation.id in each.operations), None]


def _asked(scope: Scope, routes: Routes) -> Asked | None:
    """Return the request with its operation, if there is one."""
    request = Request(scope, PREFIX)
    match = routes.find(request.path)
    endpoint = None if match is None else match.endpoints.get(request.method)
    return None if endpoint is None else Asked(request, endpoint.operation)


class Body:
    """A request's body that can be read repeatedly."""

    def __init__(self, messages: Sequence[Scope], receive: Callable[[], Awaitable[Scope]], stop: Stop | None) -> None:
        """Store ASGI's `messages`; later messages come from `receive`, unless `stop` is raised instead."""
        self._messages, self._receive, self._stop = messages, receive, stop

    @property
    def text(self) -> str:
        """Return the body as text."""
        return b"".join(each.get("body", b"") for each in self._messages).decode("latin-1")

    def again(self) -> Callable[[], Awaitable[Scope]]:
        """Return ASGI's `receive` from the beginning of the body, which may raise Stop."""
        left = iter(self._messages)

        async def _receive() -> Scope:
            message = next(left, None)
            if message is None and self._stop is not None:
                raise self._stop
            return message or await self._receive()

        return _receive


async def _whole(receive: Any) -> Body:
    """Read the whole body or the part before a refusal. Only scenes do so, since they are for tests."""
    messages: list[Scope] = []
    try:
        while not messages or messages[-1].get("more_body"):
            messages.append(await receive())
    except Stop as stop:
        return Body(messages, receive, stop)
    return Body(messages, receive, None)


def _at(scene: Scene, pack: Pack) -> Pack:
    """Return the pack at the moment of a scene."""
    records = pack.records if scene.as_it_is else scene.records
    return msgspec.structs.replace(pack, now=scene.now, records=records, acts=(), afterwards=scene.afterwards)


def _with_ids(made: Baseline, scene: Scene) -> Baseline:
    """Return the copy with the ids for the call; the call itself uses the first id of the series."""
    if not scene.ids:
        return made
    own = SeededIds(IdsState(0)).uuid()
    return Baseline(made.copy, msgspec.structs.replace(made.kept, ids=IdsState(0, given=(own, *scene.ids))))
