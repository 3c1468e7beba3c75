"""Code sets belong to one world and follow its clock: forks begin with those of main, and a reset forgets them."""

from __future__ import annotations

from datetime import date

import pytest

from openers.domain.services.code_sets import CodeSet, SpecialtyCode
from openers.usecases.dated_reference import follow_code_sets
from openers.usecases.due import system_entry
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio


async def _put(rig: Rig, name: str, day: date, code: str) -> None:
    """Put a code set with one specialty into a world."""
    (held,) = (each for each in rig.service.worlds.all if each.name == name)
    world = held.world.for_call(system_entry("Test", held.world.clock.now()))
    async with world.begin("arrange") as tx:
        await tx.registers.code_sets.add(CodeSet(starts=day, specialties=(SpecialtyCode(code, code),)))
    await follow_code_sets(world.reference, world.store)


async def _has(rig: Rig, world: str, code: str) -> bool:
    """Return whether A004 of a world has a specialty."""
    reply = await rig.fhir("GET", "/STU3/CodeSystem/SPECIALTY", world)
    assert reply.status_code == 200, reply.text
    return code in {each["code"] for each in reply.json()["concept"]}


async def test_each_world_has_its_code_sets(here: Rig) -> None:
    """A set of main is in a fork that begins later, and one of the fork is not in main."""
    await here.control("PUT", "/clock", {"now": "2031-06-22T12:00:00Z", "running": False})
    await _put(here, "main", date(2031, 6, 23), "HEART")
    assert not await _has(here, "main", "HEART")
    await here.control("PUT", "/clock", {"now": "2031-06-23T00:00:00Z", "running": False})
    here.tokens.clear()
    assert await _has(here, "main", "HEART")
    await here.control("POST", "/worlds", {"name": "later"})
    assert await _has(here, "later", "HEART")
    await _put(here, "later", date(2030, 1, 1), "OWN")
    assert (await _has(here, "later", "OWN"), await _has(here, "main", "OWN")) == (True, False)
    await here.control("POST", "/worlds/main/load", {"pack": "demo"})
    here.tokens.clear()
    assert (await _has(here, "main", "HEART"), await _has(here, "later", "HEART")) == (False, True)
