"""Packs of one's own: by path, sent over HTTP, changed while a service runs; what their messages call them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from openers.domain.identifiers import NhsNumber
from openers.worlds.packs import PackError, read_pack
from openers.worlds.refusals import Unknown
from tests.worlds.rig import Rig

pytestmark = pytest.mark.anyio
HEAD = 'based_on = "empty"\ntitle = "Mine"\n'
PATIENT = """
[[patients]]
nhs_number = "{number}"
family_name = "Okafor"
given_name = "{name}"
born = 1980-01-02
sex = "female"
postcode = "LS1 4EY"
practice = "D82106"
"""


def written(folder: Path, *texts: str, name: str = "mine.toml") -> str:
    """The path of a pack with these texts."""
    file = folder / name
    file.write_text(HEAD + "".join(texts), "utf-8")
    return str(file)


def test_a_pack_is_read_by_its_path_and_called_by_its_file(tmp_path: Path) -> None:
    """One without a name has that of its file, not that of its base."""
    pack = read_pack(written(tmp_path, PATIENT.format(number="9990000018", name="Ada")))
    assert (pack.name, pack.title, [str(each.given_name) for each in pack.patients]) == ("mine", "Mine", ["Ada"])


def test_messages_call_a_pack_by_its_own_file(tmp_path: Path) -> None:
    """With the place of the fault."""
    path = written(tmp_path, PATIENT.format(number="1", name="Ada"))
    with pytest.raises(PackError, match=r"^pack mine: .*patients"):
        read_pack(path)


def test_a_pack_is_based_on_a_file_beside_it(tmp_path: Path) -> None:
    """And is read again once that has changed."""
    written(tmp_path, PATIENT.format(number="9990000018", name="Ada"), name="base.toml")
    file = tmp_path / "above.toml"
    file.write_text('based_on = "./base.toml"\n', "utf-8")
    assert len(read_pack(str(file)).patients) == 1
    more = PATIENT.format(number="9990000018", name="Ada") + PATIENT.format(number="9990000026", name="Bea")
    written(tmp_path, more, name="base.toml")
    assert len(read_pack(str(file)).patients) == 2


async def test_a_running_service_loads_a_pack_that_has_changed(on_each: Rig, tmp_path: Path) -> None:
    """By path within the process, as the pytest plugin does."""
    path = written(tmp_path, PATIENT.format(number="9990000018", name="Ada"))
    worlds = on_each.service.worlds
    for name in ("Ada", "Beatrice"):
        written(tmp_path, PATIENT.format(number="9990000018", name=name))
        await worlds.load(worlds.main, path)
        async with worlds.main.world.read() as tx:
            found = await tx.patients.get(NhsNumber("9990000018"))
        assert found is not None
        assert found.given_name == name
    with pytest.raises(Unknown):
        await worlds.load(worlds.main, str(tmp_path / "nowhere.toml"))


async def test_a_pack_is_sent_over_http(on_each: Rig) -> None:
    """It is named in the world, which can be reset; faults are told with their place and change nothing."""
    text = HEAD + PATIENT.format(number="9990000018", name="Ada")
    told = await on_each.control("POST", "/worlds/main/load", {"toml": text, "name": "sent"})
    assert told["pack"].endswith("/sent.toml")
    await on_each.control("POST", "/worlds/main/reset")
    bad = {"toml": HEAD + PATIENT.format(number="1", name="Ada"), "name": "bad"}
    refused = await on_each.control("POST", "/worlds/main/load", bad, expect=422)
    assert "pack bad: " in refused["error"]


REFUSED: Final[list[tuple[dict[str, Any], str]]] = [
    ({"pack": "/etc/hostname"}, "is a path"),
    ({"pack": "../demo"}, "is a path"),
    ({"pack": "mine.toml"}, "is a path"),
    ({}, "Give one of pack and toml"),
    ({"pack": "demo", "toml": ""}, "Give one of pack and toml"),
    ({"toml": 'based_on = "/etc/hostname"'}, "to be based on"),
    ({"toml": 'based_on = "./demo.toml"'}, "to be based on"),
    ({"toml": HEAD, "name": "../x"}, "can't be used"),
]
"""What a caller may not ask for, and what is said."""


async def test_no_file_of_the_machine_is_read_for_a_caller(on_each: Rig) -> None:
    """Neither by name nor as a base; nothing changes."""
    for body, text in REFUSED:
        status = 422 if "to be based on" in text else 400
        assert text in (await on_each.control("POST", "/worlds/main/load", body, expect=status))["error"]
    assert (await on_each.control("GET", "/worlds/main"))["pack"] == "demo"


async def test_the_example_of_the_how_to_loads(on_each: Rig, pytestconfig: pytest.Config) -> None:
    """As it stands there."""
    page = (pytestconfig.rootpath / "docs/how-to/write-a-pack.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    await on_each.control("POST", "/worlds/main/load", {"toml": example, "name": "example"})
    assert await on_each.acts() == ["create", "defer to the provider"]
