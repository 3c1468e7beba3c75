"""A new world begins with a pack that its creator sends, as a fork or as a kept world."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from openers.domain.identifiers import NhsNumber
from tests.kit.service.running import copied
from tests.kit.service.worlds import Rig, rig

pytestmark = pytest.mark.anyio
SENT: Final = """
based_on = "empty"
[[patients]]
nhs_number = "9995550018"
family_name = "Okafor"
given_name = "Ada"
born = 1980-01-02
sex = "female"
"""
SCENE: Final = 'title = "Later"\noperations = ["A004"]\nnow = 2031-01-01T12:00:00Z\n'


async def patient(here: Rig, world: str) -> str:
    """Return the given name of the pack's patient in a world."""
    async with here.service.worlds.named(world).world.read() as tx:
        found = await tx.patients.get(NhsNumber("9995550018"))
    return "" if found is None else str(found.given_name)


async def begun(here: Rig, kept: bool) -> None:
    """Create a world with the pack, and check its content."""
    body = {"name": "new", "kept": kept, "toml": SENT, "pack_name": "mine", "scenes": {"later": SCENE}}
    made = await here.control("POST", "/worlds", body, expect=201)
    assert (made["pack"].endswith("/mine.toml"), await patient(here, "new")) == (True, "Ada")
    held = here.service.worlds.named("new").content
    assert held is not None
    assert [scene.name for scene in held.scenes] == ["later"]
    assert await patient(here, "main") == ""


async def test_a_kept_world_begins_with_the_pack_that_is_sent(on_each: Rig) -> None:
    """A reset returns to it, although the text is not sent again."""
    await begun(on_each, kept=True)
    await on_each.control("POST", "/worlds/new/reset")
    assert await patient(on_each, "new") == "Ada"


async def test_a_fork_begins_with_the_pack_that_is_sent(here: Rig) -> None:
    """The same text may be sent again after another pack was loaded."""
    await begun(here, kept=False)
    await here.control("POST", "/worlds/new/load", {"pack": "empty"})
    assert await patient(here, "new") == ""
    await here.control("POST", "/worlds/new/load", {"toml": SENT})
    await here.control("POST", "/worlds/new/reset")
    assert await patient(here, "new") == "Ada"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"toml": SENT, "pack": "demo"}, 400, "pack"),
        ({"scenes": {"a": SCENE}}, 400, "Give either pack or toml"),
        ({"pack": "demo", "scenes": {"a": SCENE}}, 400, "scenes belong to toml"),
        ({"pack": "./mine.toml"}, 400, "is a path"),
        ({"toml": SENT, "pack_name": "../x"}, 400, "is not valid"),
        ({"toml": 'based_on = "./mine.toml"'}, 422, "cannot be based on a path"),
        ({"toml": "patients = 3"}, 422, "pack received: "),
        ({"toml": SENT, "scenes": {"a": "operations = 3"}}, 422, "pack received: "),
        ({"toml": "= 1"}, 422, "pack received: "),
    ],
)
@pytest.mark.parametrize("kept", [False, True], ids=["fork", "kept"])
async def test_a_pack_that_cannot_be_read_makes_no_world(
    here: Rig, kept: bool, body: dict[str, Any], status: int, told: str
) -> None:
    refused = await here.control("POST", "/worlds", {"name": "new", "kept": kept, **body}, expect=status)
    assert told in refused["error"]
    assert [each["name"] for each in (await here.control("GET", "/worlds"))["worlds"]] == ["main"]


async def test_a_world_without_services_survives_a_restart(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Its pack is not loaded a second time: its clock and what was registered stay."""
    url = copied(sqlite_template, tmp_path)
    clock = {"now": "2035-01-01T12:00:00Z", "running": False}
    async with rig(url, keys) as first:
        await first.control("POST", "/worlds", {"name": "bare", "kept": True, "toml": SENT}, expect=201)
        assert (await first.http.put("/w/bare/_test/clock", json=clock)).status_code == 200
    async with rig(url, keys) as again:
        assert (await again.http.get("/w/bare/_test/clock")).json()["now"] == clock["now"]
        assert await patient(again, "bare") == "Ada"
