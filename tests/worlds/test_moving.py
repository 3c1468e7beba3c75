"""A world as one file: exported from each kind of database, imported into a new SQLite database, or refused."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from openers.cli.moving import export_world, import_world
from openers.settings import Settings, SettingsError
from openers.worlds.contents.archive import FORMAT, MANIFEST
from tests.kit.service.running import PRACTICE, settings_for
from tests.kit.service.worlds import Rig, rig
from tests.kit.store.outside import audit_entries

pytestmark = pytest.mark.anyio
HEADERS: Final = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt"}
LETTER: Final = b"Dear colleague"
PACK: Final = 'based_on = "demo"\ntitle = "Mine"\n'


def _elsewhere(folder: Path) -> Settings:
    """Return the settings of another service, with its own keys and files."""
    (folder / "keys").mkdir(parents=True)
    return settings_for(f"sqlite:///{folder / 'imported.db'}", folder / "keys")


async def _seen(here: Rig, ubrn: str, file: str) -> list[Any]:
    """Return what a caller sees of the world: referral, file, letter with access code, events and clock."""
    referral = await here.read(ubrn)
    content = await here.fhir("GET", file)
    slots = "/STU3/Slot?schedule.actor:HealthcareService=11006&appointmentType=ROUTINE&status=free&_count=9&page=1"
    free = await here.fhir("GET", slots, headers={"NHSD-eRS-Comm-Rule-Org": PRACTICE})
    events = (await here.control("GET", "/events"))["events"]
    return [referral.json(), content.content, free.json()["entry"], events, await here.control("GET", "/clock")]


async def test_a_world_is_moved(demo_url: str, keys: Path, tmp_path: Path) -> None:
    """Records, files, access codes, clock, numbers and the pack as it was read arrive; the audit begins anew."""
    pack, file = tmp_path / "mine.toml", tmp_path / "world.zip"
    pack.write_text(PACK, "utf-8")
    async with rig(demo_url, keys) as here:
        await here.service.worlds.load(here.service.worlds.main, str(pack))
        await here.control("PUT", "/clock", {"now": "2027-03-01T12:00:00Z", "running": False})
        ubrn = (await here.refer()).json()["id"]
        sent = await here.fhir("POST", "/STU3/Binary", content=LETTER, headers=HEADERS)
        await here.control("POST", "/clock/advance", {"hours": 1})
        address = f"/STU3/{sent.headers['location']}"
        code = await _code(here, ubrn)
        before = await _seen(here, ubrn, address)
        moved = await export_world(here.service.settings, file)
        next_ubrn = (await here.refer()).json()["id"]
    assert (moved.pack, moved.files, moved.records > 200) == (str(pack), 1, True)
    pack.unlink()
    there = _elsewhere(tmp_path / "there")
    assert await import_world(there, file) == moved
    async with rig(there.database_url, tmp_path / "there" / "keys") as again:
        assert again.service.worlds.main.content is not None
        assert again.service.worlds.main.content.title == "Mine"
        assert await _seen(again, ubrn, address) == before
        assert await _code(again, ubrn) == code
        assert (await again.refer()).json()["id"] == next_ubrn
    assert (await audit_entries(there.database_url))[0]["audit_type"] == "Import world"


async def _code(here: Rig, ubrn: str) -> str:
    world = here.service.worlds.main.world
    async with world.read() as tx:
        kept = await tx.access_codes.get(ubrn)  # type: ignore[arg-type]  # a UBRN as text
    assert kept is not None
    return world.seal.open(kept.sealed, ubrn)  # type: ignore[arg-type]  # as above


@pytest.fixture(scope="module")
async def exported(sqlite_template: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export the demo world once."""
    file = tmp_path_factory.mktemp("exported") / "world.zip"
    await export_world(settings_for(f"sqlite:///{sqlite_template}", keys), file)
    return file


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _flip(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 3] ^= 1
    file.write_bytes(bytes(whole))


def _text(file: Path) -> None:
    file.write_text("no world", "utf-8")


def _changed(**fields: object) -> Callable[[Path], None]:
    """Return a change of fields of the manifest."""

    def _change(file: Path) -> None:
        with zipfile.ZipFile(file) as old:
            parts = {name: old.read(name) for name in old.namelist()}
        parts[MANIFEST] = json.dumps({**json.loads(parts[MANIFEST]), **fields}).encode()
        with zipfile.ZipFile(file, "w") as new:
            for name, content in parts.items():
                new.writestr(name, content)

    return _change


def _without_a_part(file: Path) -> None:
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist() if name != "rows/000000.json"}
    with zipfile.ZipFile(file, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)


DAMAGES: Final[list[tuple[Callable[[Path], None], str]]] = [
    (_cut, "it is not an exported world, or it is damaged"),
    (_flip, "damaged"),
    (_text, "it is not an exported world"),
    (_without_a_part, "parts of it are missing"),
    (_changed(state={}), "its world.json is damaged"),
    (_changed(format=FORMAT + 1, openers="9.9.9", state=3), "OpenERS 9.9.9 wrote it, which is newer than"),
    (_changed(schema="9999", openers="9.9.9"), "OpenERS 9.9.9 wrote it, which is newer than"),
    (_changed(schema="../x"), "which is newer than"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
async def test_a_file_that_cannot_be_used_is_refused(
    exported: Path, tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    """The error names file and fault, and nothing is made."""
    file = tmp_path / "world.zip"
    shutil.copyfile(exported, file)
    damage(file)
    there = _elsewhere(tmp_path / "there")
    with pytest.raises(ValueError, match=f"{file} cannot be imported: .*{told}"):
        await import_world(there, file)
    assert [each.name for each in (tmp_path / "there").iterdir()] == ["keys"]


async def test_an_import_makes_a_new_database_only(exported: Path, keys: Path, tmp_path: Path) -> None:
    """A database that exists, another kind of database, and production are refused."""
    there = _elsewhere(tmp_path / "there")
    await import_world(there, exported)
    for settings, told in (
        (there, "exists already"),
        (settings_for("postgresql://nobody@127.0.0.1:1/none", keys), "sqlite:///"),
    ):
        with pytest.raises(SettingsError, match=told):
            await import_world(settings, exported)
