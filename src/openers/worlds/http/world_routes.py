"""`/_test/worlds` and `/_test/snapshots`: fork, load, reset, save, restore and delete worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from starlette.requests import Request

from openers.domain.clock import Instant
from openers.settings import SettingsError
from openers.worlds.contents.description import describe
from openers.worlds.http.control import Offered, json_reply, read_json, route
from openers.worlds.packs import is_path, keep_received, knows_pack, pack_names, read_pack
from openers.worlds.refusals import BadCall, CantBeMade, Unknown
from openers.worlds.running.kept import KeptWorlds, Place
from openers.worlds.running.registry import Worlds
from openers.worlds.running.running_world import MAIN, RunningWorld

FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,40}\Z")]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class NewWorld(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A new fork: of a world (main by default), of a snapshot, or of a pack. Or else a kept world, with a pack.

    In place of `pack`, `toml` may be the text of the caller's own pack, with `pack_name` and `scenes` (`PackWanted`).
    `pas` is the address of the PAS of a kept world; without it, the world simulates its PAS.
    """

    name: str
    source: str | None = None
    snapshot: str | None = None
    pack: str | None = None
    toml: str | None = None
    pack_name: FileName = "received"
    scenes: dict[FileName, str] = {}
    seed: Seed | None = None
    kept: bool = False
    pas: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/\s?#]+")] | None = None


class PackWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pack to load, and the seed of the ids created from then on.

    `pack` is the name of a pack of the service. Instead `toml` may be the text of the caller's own pack. `name` is used
    if that text has no name, and `scenes` are the texts of its scenes by name.
    """

    pack: str | None = None
    toml: str | None = None
    name: FileName = "received"
    scenes: dict[FileName, str] = {}
    seed: Seed = 0


class Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name of a snapshot."""

    name: str


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a world. `origin` is the copy that a reset restores; `begins_as` describes that copy."""

    name: str
    base_url: str
    kept: bool
    pack: str
    now: Instant
    running: bool
    seed: int
    origin: str | None
    begins_as: str


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """All worlds, snapshots and packs."""

    worlds: list[Described]
    snapshots: list[str]
    packs: list[str]


def described(held: RunningWorld, worlds: Worlds) -> Described:
    """Return the description of a world."""
    return Described(
        name=held.name,
        base_url=held.world.base_url,
        kept=held.name in worlds.kept,
        pack=held.pack,
        now=held.clock.now(),
        running=held.clock.is_running,
        seed=held.ids.state.seed,
        origin=None if held.origin is None else held.origin.copy,
        begins_as=_beginning(held, worlds),
    )


def _beginning(held: RunningWorld, worlds: Worlds) -> str:
    """Return what a reset restores."""
    origin, pack = held.origin, Path(held.pack if held.origin is None else held.origin.kept.pack)
    if origin is not None and origin.stamp is None:
        return f"the copy {origin.copy} of a world with pack {pack}"
    if pack.is_relative_to(worlds.snapshots.packs.resolve()):
        return f"the pack {pack.stem}, as uploaded"
    return f"the pack {pack}"


def world_routes(worlds: Worlds, kept: KeptWorlds) -> list[Offered]:
    """Return the routes of worlds and snapshots."""

    async def _list(request: Request) -> Everything:
        return everything(worlds)

    async def _fork(request: Request) -> object:
        return json_reply(described(await make((worlds, kept), await read_json(request, NewWorld)), worlds), 201)

    async def _read(request: Request) -> Described:
        return described(_named(request, worlds), worlds)

    async def _drop(request: Request) -> object:
        await drop((worlds, kept), request.path_params["name"])
        return {"dropped": request.path_params["name"]}

    async def _describe(request: Request) -> object:
        return await describe(_named(request, worlds))

    async def _load(request: Request) -> Described:
        held, wanted = _named(request, worlds), await read_json(request, PackWanted)
        await worlds.load(held, _pack(wanted, worlds), wanted.seed)
        return described(held, worlds)

    async def _reset(request: Request) -> Described:
        held = _named(request, worlds)
        await worlds.reset(held)
        return described(held, worlds)

    async def _snapshot(request: Request) -> Described:
        held = _named(request, worlds)
        await worlds.snapshot(held, (await read_json(request, Name)).name)
        return described(held, worlds)

    async def _restore(request: Request) -> Described:
        held = _named(request, worlds)
        await worlds.restore(held, (await read_json(request, Name)).name)
        return described(held, worlds)

    async def _forget(request: Request) -> object:
        await worlds.forget_snapshot(request.path_params["name"])
        return {"dropped": request.path_params["name"]}

    one = "/_test/worlds/{name}"
    return [
        route("/_test/worlds", {"GET": _list, "POST": _fork}),
        route(one, {"GET": _read, "DELETE": _drop}),
        route(f"{one}/description", {"GET": _describe}),
        route(f"{one}/load", {"POST": _load}),
        route(f"{one}/reset", {"POST": _reset}),
        route(f"{one}/snapshot", {"POST": _snapshot}),
        route(f"{one}/restore", {"POST": _restore}),
        route("/_test/snapshots/{name}", {"DELETE": _forget}),
    ]


def everything(worlds: Worlds) -> Everything:
    """Return all worlds, snapshots and packs."""
    return Everything(
        worlds=[described(held, worlds) for held in worlds.all],
        snapshots=list(worlds.snapshots.names),
        packs=pack_names(),
    )


async def drop(held: tuple[Worlds, KeptWorlds], name: str) -> None:
    """Delete a fork or a kept world. Raises Unknown, Taken, Unavailable."""
    worlds, kept = held
    await (kept.drop(name) if name in worlds.kept else worlds.drop(name))


async def make(held: tuple[Worlds, KeptWorlds], wanted: NewWorld) -> RunningWorld:
    """Create the fork or the kept world. Raises a Refusal, PackError, Unavailable."""
    worlds, _ = held
    if wanted.kept:
        return await _keep(held, wanted)
    if wanted.pas is not None:
        raise BadCall("pas belongs to a kept world: a fork simulates its PAS")
    if sum(each is not None for each in (wanted.source, wanted.snapshot, wanted.pack, wanted.toml)) > 1:
        raise BadCall("Give only one of from, snapshot, pack and toml")
    pack = _pack_of(wanted, worlds)
    source = wanted.snapshot if wanted.snapshot is not None else worlds.named(wanted.source or MAIN)
    made = await worlds.fork(wanted.name, source, wanted.seed)
    if pack is not None:
        try:
            await worlds.load(made, pack, wanted.seed or 0)
        except BaseException:
            await worlds.drop(made.name)
            raise
    return made


async def _keep(held: tuple[Worlds, KeptWorlds], wanted: NewWorld) -> RunningWorld:
    """Create a kept world. Raises a Refusal, PackError, Unavailable."""
    worlds, kept = held
    if wanted.source is not None or wanted.snapshot is not None or wanted.seed is not None:
        raise BadCall("A kept world begins with a pack: omit from, snapshot and seed; load or restore it afterwards")
    pack = _pack_of(wanted, worlds)
    if pack is not None and not knows_pack(pack):
        raise Unknown(f"There is no pack {pack}; there are: {', '.join(pack_names())}")
    try:
        place = Place(wanted.name, kept.database_of(wanted.name), wanted.pas or "")
        return await kept.make(place, None if pack is None else read_pack(pack))
    except SettingsError as error:
        raise CantBeMade(str(error)) from error


def _pack_of(wanted: NewWorld, worlds: Worlds) -> str | None:
    """Return the reference of the pack of a new world, if it has one of its own. Raises BadCall, PackError."""
    if wanted.pack is None and wanted.toml is None and not wanted.scenes:
        return None
    return _pack(PackWanted(wanted.pack, wanted.toml, wanted.pack_name, wanted.scenes), worlds)


def _pack(wanted: PackWanted, worlds: Worlds) -> str:
    """Return the reference of the wanted pack; store an uploaded one. Raises BadCall, PackError."""
    if (wanted.pack is None) == (wanted.toml is None):
        raise BadCall("Give either pack or toml")
    if wanted.toml is not None:
        sent = (wanted.name, wanted.toml, wanted.scenes)
        return keep_received(sent, worlds.snapshots.packs, worlds.held_packs)
    if wanted.scenes:
        raise BadCall("scenes belong to toml, not to pack: a pack of the service has its own")
    return _check_named(str(wanted.pack))


def _check_named(pack: str) -> str:
    """Return the pack if it is a name. Raises BadCall: callers must not read files of this machine."""
    if is_path(pack):
        raise BadCall(f"{pack[:80]!r} is a path: name a pack of the service, or load a pack that you send as toml")
    return pack


def _named(request: Request, worlds: Worlds) -> RunningWorld:
    return worlds.named(request.path_params["name"])
