"""The worlds in which published examples are replayed: the demo world, and the same one with other names.

Both have twenty extra services, because a published shortlist names twenty of one clinician at one organisation.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from tests.conformance.renaming import Renaming
from tests.kit.service.running import Person, Running, copied, load_demo, running, settings_for

from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, SnomedCode, UserId
from openers.worlds.packs import Pack, read_pack

Json = dict[str, Any]

FILE: Final = Path(__file__).with_name("mapping.toml")
KINDS: Final[Mapping[str, type[str]]] = {
    "nhs-number": NhsNumber,
    "sds-user-id": UserId,
    "ers-service": ServiceId,
    "ods-organization-code": OdsCode,
    "ods-site-code": OdsCode,
    "Organization": OdsCode,
    "sct": SnomedCode,
}
"""The type of id in a system, by the last part of the system's name."""
LIKE: Final = "11007"
TWENTY: Final = range(12000, 12020)


@cache
def table() -> Json:
    """Read the mapping file."""
    return tomllib.loads(FILE.read_text("utf-8"))


@cache
def extended() -> Pack:
    """Return the demo world with twenty extra services, copied from one of its own."""
    pack = read_pack("demo")
    model = next(each for each in pack.services if each.id == LIKE)
    more = (
        msgspec.structs.replace(
            model, id=ServiceId(str(number)), name=f"Heart Clinic {number}", clinic_types=model.clinic_types[:1]
        )
        for number in TWENTY
    )
    return msgspec.structs.replace(pack, services=(*pack.services, *more))


@dataclass(frozen=True)
class World:
    """A world, and the translation of published examples into it."""

    pack: Pack
    renaming: Renaming | None

    def id(self, kind: type[str], text: str) -> str:
        """Return this world's id for an id of the demo world."""
        return text if self.renaming is None else self.renaming.new(kind, text)

    def person(self, who: Person) -> Person:
        """Return this world's user for a user of the demo world."""
        acting_for = who.on_behalf_of and self.id(UserId, who.on_behalf_of)
        return replace(
            who,
            user=self.id(UserId, who.user),
            organisation=self.id(OdsCode, who.organisation),
            on_behalf_of=acting_for,
        )

    def told(self, published: Any) -> Any:
        """Return published JSON with the ids and dates of this world."""
        if isinstance(published, list):
            return [self.told(each) for each in cast("list[Any]", published)]
        if not isinstance(published, dict):
            return published
        node: Json = {name: self.told(value) for name, value in cast("Json", published).items()}
        if node.get("name") == "eReferralPathwayStart":
            recent = datetime.now(UTC) - timedelta(days=table()["recent_days"])
            node["valueInstant"] = recent.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        ids: Json | None = table()["ids"].get(node.get("system", ""))
        name = "value" if "value" in node else "code"
        if ids is not None and name in node:
            assert node[name] in ids, f"mapping.toml has no {node['system']} {node[name]}"
            node[name] = self.id(KINDS[node["system"].rpartition("/")[2]], ids[node[name]])
        return node


@cache
def world_named(name: str) -> World:
    """Return the demo world or the renamed one."""
    pack = extended()
    if name == "demo":
        return World(pack, None)
    renaming = Renaming(pack)
    return World(renaming.pack(pack), renaming)


@dataclass(frozen=True)
class Template:
    """A loaded world, to be copied for each test."""

    world: World
    file: Path
    keys: Path

    @classmethod
    def load(cls, name: str, directory: Path, keys: Path) -> Template:
        """Load the world `name` into a file in `directory`."""
        file = directory / "openers.db"
        world = world_named(name)
        load_demo(settings_for(f"sqlite:///{file}", keys), world.pack)
        return cls(world, file, keys)

    @asynccontextmanager
    async def serve(self, directory: Path, **overrides: object) -> AsyncGenerator[Running]:
        """Run a service on a copy in `directory`; `overrides` are settings."""
        settings = settings_for(copied(self.file, directory), self.keys, **overrides)
        async with running(settings, self.world.pack.clinical_terms) as run:
            yield run
