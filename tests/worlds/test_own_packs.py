"""A user's own packs: read by path, sent over HTTP, changed while a service runs, and named in messages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from openers.domain.identifiers import NhsNumber
from openers.store.engine.statements import encode
from openers.worlds.mode import worlds_directory
from openers.worlds.packs import PackError, pack_from, pack_names, read_pack
from openers.worlds.packs.acts import filled
from openers.worlds.packs.loaded import MOST_LOADED, keep_loaded
from openers.worlds.packs.received import MOST_RECEIVED
from openers.worlds.refusals import Taken, Unknown
from openers.worlds.running import registry
from tests.kit.service.running import copied
from tests.kit.service.worlds import Rig, rig

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


OPEN_TO = """
open_to = { REFERRING_CLINICIAN = "555073103100" }
"""
SCENE = """
title = "When the priorities changed"
operations = ["A004"]
now = 2031-01-01T12:00:00Z
code_systems_changed = { PRIORITY = 2031-01-01T11:00:00Z }
"""


def written(folder: Path, *texts: str, name: str = "mine.toml") -> str:
    """Write a pack with these texts, and return its path."""
    file = folder / name
    file.write_text(HEAD + "".join(texts), "utf-8")
    return str(file)


def test_a_pack_is_read_by_its_path_and_called_by_its_file(tmp_path: Path) -> None:
    """A pack without a name is named after its own file, not its base's."""
    pack = read_pack(written(tmp_path, PATIENT.format(number="9990000018", name="Ada")))
    assert (pack.name, pack.title, [str(each.given_name) for each in pack.patients]) == ("mine", "Mine", ["Ada"])


def test_messages_call_a_pack_by_its_own_file(tmp_path: Path) -> None:
    """The error names the pack and the place of the fault."""
    path = written(tmp_path, PATIENT.format(number="1", name="Ada"))
    with pytest.raises(PackError, match=r"^pack mine: .*patients"):
        read_pack(path)


def test_a_pack_is_based_on_a_file_beside_it(tmp_path: Path) -> None:
    """The pack is read again after its base has changed."""
    written(tmp_path, PATIENT.format(number="9990000018", name="Ada"), name="base.toml")
    file = tmp_path / "above.toml"
    file.write_text('based_on = "./base.toml"\n', "utf-8")
    assert len(read_pack(str(file)).patients) == 1
    more = PATIENT.format(number="9990000018", name="Ada") + PATIENT.format(number="9990000026", name="Bea")
    written(tmp_path, more, name="base.toml")
    assert len(read_pack(str(file)).patients) == 2


async def test_a_running_service_loads_a_pack_that_has_changed(on_each: Rig, tmp_path: Path) -> None:
    """A pack is loaded by path within the process, as the pytest plugin does."""
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


def test_a_pack_is_read_again_when_a_base_in_another_folder_has_changed(tmp_path: Path) -> None:
    """The change may be in any base, however indirect."""
    for folder, base in (("a", "../b/pack.toml"), ("b", "../c/pack.toml")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pack.toml").write_text(f'based_on = "{base}"\n', "utf-8")
    (tmp_path / "c").mkdir()
    for name in ("Ada", "Beatrice"):
        written(tmp_path / "c", PATIENT.format(number="9990000018", name=name), name="pack.toml")
        assert [each.given_name for each in read_pack(str(tmp_path / "a" / "pack.toml")).patients] == [name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('based_on = "./mine.toml"', "mine.toml is based on itself"),
        ('based_on = "./none.toml"', "there is no base pack './none.toml'"),
        ("scenes = []", r"`scenes`: not allowed in the file of a pack: .* folder mine/ beside it"),
        ("secrets = {}", "`secrets`: not allowed in the file of a pack"),
        ('reference = "demo"', "`reference`: not allowed in the file of a pack"),
        ('[[applications]]\nclient_id = "x"\nkey = "../../../x"', "there is no key"),
    ],
)
def test_what_would_be_dropped_from_a_pack_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The refusal states cause and cure."""
    with pytest.raises(PackError, match=f"^pack mine: .*{said}"):
        read_pack(written(tmp_path, text) if "based_on" not in text else _alone(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "applications = 3",
        "sites = [3]",
        "afterwards = []",
        "afterwards = { services = [3] }",
        "without = 3",
        "services = { x = 1 }",
        '[[services]]\nid = "1"\nsite = ["a"]',
        'afterwards = { services = [{ id = ["1"] }] }',
        '[[applications]]\nclient_id = ["1"]\nsecret = "x"',
        "day = []",
        "now = 2031-01-01T12:00:00",
        "crowd = { seed = 1, count = 3, practices = [] }",
        'crowd = { seed = 1, count = 1000000000, practices = ["D82106"] }',
        'acts = [{ form = "create-referral", by = "gp", days_ago = inf }]',
        'acts = [{ form = "create-referral", by = "gp", days_ago = nan }]',
        'acts = [{ form = "create-referral", by = "gp", times = 1000000000 }]',
        "day = " + "1" * 5000,
        "a = " + "[" * 5000,
    ],
)
async def test_a_pack_of_a_wrong_shape_is_refused(here: Rig, text: str) -> None:
    """The refusal names the pack, also for a fault in a scene."""
    sent = {"toml": HEAD + text, "name": "mine"}
    for wrong in (sent, {"toml": HEAD, "name": "mine", "scenes": {"then": text}}):
        refused = await here.control("POST", "/worlds/main/load", wrong, expect=422)
        assert refused["error"].startswith("pack mine: ")


@pytest.mark.parametrize("given", ["each = { patient = [] }", "values = { patient = 1, services = 3 }", ""])
async def test_an_act_that_cannot_be_done_is_refused(here: Rig, given: str) -> None:
    """The refusal names the pack and the act, and the world stays as it is."""
    act = f'\n[[acts]]\nform = "create-referral"\nby = "gp"\n{given}\n'
    sent = {"toml": f'based_on = "troubles"\nwithout = ["acts"]\n{act}', "name": "mine"}
    refused = await here.control("POST", "/worlds/main/load", sent, expect=422)
    assert refused["error"].startswith("pack mine: act create-referral")
    assert (await here.control("GET", "/worlds/main"))["pack"] == "demo"


def test_a_gap_is_filled_once() -> None:
    """A filled-in value that looks like a gap is not filled again."""
    assert filled("a ${x} ${x}", {"x": "${x}"}) == "a ${x} ${x}"
    with pytest.raises(ValueError, match="no value for the placeholder y"):
        filled("a ${y", {"x": "1"})


BROKEN: Final = "services = 3"
"""A pack that cannot be read."""


async def test_a_fork_has_the_pack_as_it_was_read(here: Rig, tmp_path: Path) -> None:
    """The pack's file may be changed or broken after the world was loaded."""
    path = written(tmp_path, PATIENT.format(number="9990000018", name="Ada"))
    await here.service.worlds.load(here.service.worlds.main, path)
    for text in ("", BROKEN):
        written(tmp_path, text)
        await here.control("POST", "/worlds", {"name": f"fork{len(text)}"})
        assert _named(here, f"fork{len(text)}") == ["Ada"]


async def test_a_frozen_world_stays_as_it_was_loaded(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """A changed file affects neither scenes nor callers before the next reset, also after a restart."""
    url = copied(sqlite_template, tmp_path)
    path, ada = written(tmp_path, OPEN_TO), PATIENT.format(number="9990000018", name="Ada")
    (tmp_path / "mine").mkdir()
    scene = tmp_path / "mine" / "then.toml"
    scene.write_text(SCENE, "utf-8")
    async with rig(url, keys, frozen=True, open=True) as frozen:
        await frozen.service.worlds.load(frozen.service.worlds.main, path)
        assert await _changed_on(frozen) == "2031-01-01"
        for text, then in ((ada, SCENE.replace("2031", "2032")), (BROKEN, "operations = 3")):
            written(tmp_path, text)
            scene.write_text(then, "utf-8")
            assert await _changed_on(frozen) == "2031-01-01"
    async with rig(url, keys, frozen=True, open=True) as again:
        assert await _changed_on(again) == "2031-01-01"
        written(tmp_path, OPEN_TO)
        scene.write_text(SCENE.replace("2031", "2032"), "utf-8")
        await again.control("POST", "/worlds/main/reset")
        assert await _changed_on(again) == "2032-01-01"


async def _changed_on(here: Rig) -> str:
    """Return the day on which the priorities changed, for the only user of a role that the pack opens."""
    sent = {"NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    reply = await here.http.get("/referrals/FHIR/STU3/CodeSystem/PRIORITY", headers=sent)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["date"])[:10]


async def test_values_of_packs_are_bounded(here: Rig, tmp_path: Path) -> None:
    """Values of packs that worlds and snapshots use stay; the others are removed beyond the limit."""
    worlds, folder = here.service.worlds, here.service.worlds.snapshots.loaded
    await worlds.load(worlds.main, written(tmp_path, PATIENT.format(number="9990000018", name="Ada")))
    await here.control("POST", "/worlds/main/snapshot", {"name": "kept"})
    for number in range(MOST_LOADED + 3):
        keep_loaded(read_pack(written(tmp_path, f"day = {2000 + number}-01-01\n")), folder, worlds.held_packs)
    assert len(list(folder.iterdir())) == MOST_LOADED + 1
    written(tmp_path, BROKEN)
    await here.control("POST", "/worlds/main/restore", {"name": "kept"})
    assert _named(here, "main") == ["Ada"]


def _named(here: Rig, world: str) -> list[str]:
    """Return the names of the patients in a world's pack as it was read."""
    content = here.service.worlds.named(world).content
    assert content is not None
    return [str(each.given_name) for each in content.patients]


@pytest.mark.parametrize("name", pack_names())
def test_the_value_of_a_pack_is_read_as_it_was_written(name: str) -> None:
    """No field is lost or changed."""
    pack = read_pack(name)
    assert pack_from(encode(pack)) == pack


@pytest.mark.parametrize("name", ["../main", "../../other", "x" * 300, "", "main"])
async def test_no_other_file_is_read_as_a_snapshot(here: Rig, name: str) -> None:
    """No name of a snapshot makes the service read another file."""
    (worlds_directory(here.service.settings).parent / "other.json").write_text("{}", "utf-8")
    refused = await here.control("POST", "/worlds/main/restore", {"name": name}, expect=404)
    assert "There is no snapshot" in refused["error"]
    await here.control("POST", "/worlds", {"name": "new", "snapshot": name}, expect=404)


async def test_a_world_that_is_being_replaced_is_not_dropped(here: Rig) -> None:
    """A world can be dropped only after its replacement has ended."""
    await here.fork_if_new("other")
    async with here.service.worlds.named("other").alone():
        with pytest.raises(Taken):
            await here.service.worlds.drop("other")
    await here.service.worlds.drop("other")


def _alone(folder: Path, text: str) -> str:
    (folder / "mine.toml").write_text(text, "utf-8")
    return str(folder / "mine.toml")


def _remove(path: str) -> None:
    Path(path).unlink()


async def _patient(here: Rig, world: str = "main") -> str:
    """Return the given name of a world's only patient."""
    async with here.service.worlds.named(world).world.read() as tx:
        found = await tx.patients.get(NhsNumber("9990000018"))
    assert found is not None
    return str(found.given_name)


async def test_a_reset_reads_a_changed_file_again(on_each: Rig, tmp_path: Path) -> None:
    """An unreadable or missing file is an error, and the world stays as it is."""
    path, worlds = written(tmp_path, PATIENT.format(number="9990000018", name="Ada")), on_each.service.worlds
    await worlds.load(worlds.main, path, seed=7)
    written(tmp_path, PATIENT.format(number="9990000018", name="Beatrice"))
    await on_each.control("POST", "/worlds/main/reset")
    assert await _patient(on_each) == "Beatrice"
    assert (await on_each.control("GET", "/worlds/main"))["seed"] == 7
    written(tmp_path, PATIENT.format(number="1", name="Carla"))
    refused = await on_each.control("POST", "/worlds/main/reset", expect=422)
    assert "pack mine: " in refused["error"]
    _remove(path)
    refused = await on_each.control("POST", "/worlds/main/reset", expect=404)
    assert f"There is no pack {path}" in refused["error"]
    assert await _patient(on_each) == "Beatrice"


@pytest.fixture
def few_packs(monkeypatch: pytest.MonkeyPatch) -> int:
    """Lower the limit on copies of packs, so that a test reaches it soon."""
    monkeypatch.setattr(registry, "MOST_PACKS", 3)
    return 3


@pytest.mark.usefixtures("few_packs")
async def test_copies_of_packs_are_bounded(on_each: Rig, tmp_path: Path) -> None:
    """Copies needed for a reset stay; the others are removed beyond the limit."""
    path, worlds = written(tmp_path, PATIENT.format(number="9990000018", name="Ada")), on_each.service.worlds
    await worlds.load(worlds.main, path)
    first = worlds.main.origin
    assert first is not None
    for seed in range(1, registry.MOST_PACKS + 3):
        await worlds.load(worlds.main, path, seed)
    assert worlds.copies_of_packs == registry.MOST_PACKS == 3
    assert not await _has_copy(on_each, first.copy)
    last = worlds.main.origin
    assert last is not None
    assert await _has_copy(on_each, last.copy)
    await on_each.control("POST", "/worlds/main/reset")
    assert await _patient(on_each) == "Ada"


async def _has_copy(here: Rig, name: str) -> bool:
    if here.service.settings.sqlite_path is not None:
        return (worlds_directory(here.service.settings) / "passing" / f"{name}.db").exists()
    from tests.kit.store.outside import fetch

    url = here.service.settings.database_url
    database = url.partition("?")[0].rpartition("/")[2]
    return bool(await fetch(url, f"SELECT 1 FROM pg_database WHERE datname = '{database}/{name}'"))


async def test_a_pack_that_is_sent_has_scenes(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """A sent pack may have scenes; the refusal of a faulty one names its place."""
    async with rig(copied(sqlite_template, tmp_path), keys, frozen=True, open=True) as frozen:
        sent = {"toml": 'based_on = "demo"\n', "name": "own", "scenes": {"then": SCENE}}
        await frozen.control("POST", "/worlds/main/load", sent)
        reply = await frozen.http.get(
            "/referrals/FHIR/STU3/CodeSystem/PRIORITY",
            headers={"X-OpenERS-Scene": "then", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"},
        )
        assert reply.json()["date"].startswith("2031-01-01T11"), reply.text
        bad = {"toml": 'based_on = "demo"\n', "name": "own", "scenes": {"then": 'title = "A"'}}
        assert "$.scenes[0]" in (await frozen.control("POST", "/worlds/main/load", bad, expect=422))["error"]


async def test_packs_that_were_sent_are_bounded(here: Rig) -> None:
    """Packs of worlds and snapshots stay; the others are removed beyond the limit."""
    for world in ("other", "main"):
        kept = {"toml": HEAD + PATIENT.format(number="9990000018", name="Ada"), "name": world}
        await here.control("POST", f"/worlds/{world}/load", kept, world)
        await here.control("POST", f"/worlds/{world}/snapshot", {"name": f"{world}-kept"})
    for number in range(MOST_RECEIVED + 3):
        await here.control("POST", "/worlds/main/load", {"toml": HEAD + f"# {number}"})
    assert len(list(here.service.worlds.snapshots.packs.iterdir())) <= MOST_RECEIVED + 3
    await here.control("POST", "/worlds/other/reset")
    await here.control("POST", "/worlds/main/restore", {"name": "main-kept"})
    assert [await _patient(here, world) for world in ("other", "main")] == ["Ada", "Ada"]


async def test_a_pack_is_sent_over_http(on_each: Rig) -> None:
    """The world shows the pack's name and can be reset; a faulty pack is refused and named."""
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
    ({}, "Give either pack or toml"),
    ({"pack": "demo", "toml": ""}, "Give either pack or toml"),
    ({"toml": 'based_on = "/etc/hostname"'}, "base pack"),
    ({"toml": 'based_on = "./demo.toml"'}, "base pack"),
    ({"toml": HEAD, "name": "../x"}, "is not valid"),
    ({"toml": HEAD, "name": "x\n"}, "is not valid"),
    ({"toml": HEAD, "scenes": {"x\n": ""}}, "is not valid"),
    ({"toml": HEAD, "scenes": {"../x": ""}}, "is not valid"),
    ({"pack": "demo", "scenes": {"x": ""}}, "scenes belong to toml"),
]
"""Refused requests, with a part of the error."""


async def test_no_file_of_the_machine_is_read_for_a_caller(on_each: Rig) -> None:
    """No file is read by name or as a base, and nothing changes."""
    for body, text in REFUSED:
        status = 422 if "base pack" in text else 400
        assert text in (await on_each.control("POST", "/worlds/main/load", body, expect=status))["error"]
    assert (await on_each.control("GET", "/worlds/main"))["pack"] == "demo"


async def test_the_example_of_the_how_to_loads(on_each: Rig, pytestconfig: pytest.Config) -> None:
    """The page's example loads unchanged."""
    page = (pytestconfig.rootpath / "docs/how-to/write-a-pack.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    await on_each.control("POST", "/worlds/main/load", {"toml": example, "name": "example"})
    assert await on_each.acts() == ["create", "defer to the provider"]
