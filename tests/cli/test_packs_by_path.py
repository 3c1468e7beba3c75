"""A pack is given by the path of its file to each command that takes a pack, and is read again when it has changed."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.kit.run.command import openers, settings_in
from tests.kit.service.live import Live, free_port, live

PACK: Final = """
based_on = "empty"
title = "{title}"
[[patients]]
nhs_number = "9990000018"
family_name = "Okafor"
given_name = "{name}"
born = 1980-01-02
sex = "female"
practice = "D82106"
"""
NEVER: Final = 'based_on = "empty"\npatients = 3\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the pack and the service."""
    made = tmp_path_factory.mktemp("packs")
    write(made, "Ada")
    return made


@pytest.fixture(scope="module")
def service(folder: Path) -> Generator[Live]:
    """Serve a new database with a pack by path."""
    with live(settings_in(folder), words=("--world", f"{folder}/mine.toml")) as run:
        yield run


def write(folder: Path, name: str) -> None:
    """Write the pack with its only patient."""
    (folder / "mine.toml").write_text(PACK.format(title=f"Of {name}", name=name))


def described(service: Live, world: str = "main") -> tuple[str, list[str]]:
    """Return the title of a world, and the names of its patients."""
    told: dict[str, Any] = httpx.get(f"{service.base_url}/_test/worlds/{world}/description").json()
    return told["title"], [each["name"] for each in told["patients"]]


def test_serve_loads_a_pack_by_path_and_reset_reads_it_again(service: Live, folder: Path) -> None:
    assert described(service) == ("Of Ada", ["Ada Okafor"])
    write(folder, "Beatrice")
    done = openers("world", "reset", "--base-url", service.base_url)
    assert (done.returncode, done.stdout) == (0, f"main was reset to the pack {folder}/mine.toml.\n"), done.stderr
    assert described(service) == ("Of Beatrice", ["Beatrice Okafor"])


def test_a_running_service_gets_the_present_file(service: Live, folder: Path) -> None:
    """The file has changed before each command."""
    words = {
        "Ada": ("fork", "one", "--pack"),
        "Beatrice": ("keep", "two", "--pack"),
        "Carla": ("become", "--world", "one"),
    }
    for name, given in words.items():
        write(folder, name)
        done = openers("world", *given, f"{folder}/mine.toml", "--base-url", service.base_url)
        assert (done.returncode, done.stderr) == (0, "")
        assert described(service, "two" if "two" in given else "one")[1] == [f"{name} Okafor"]


@pytest.mark.parametrize("kind", ["fork", "keep"])
def test_a_pack_that_cannot_be_read_makes_no_world(service: Live, folder: Path, kind: str) -> None:
    """The message names the fault, and the name stays free."""
    (folder / "never.toml").write_text(NEVER)
    done = openers("world", kind, "never", "--pack", f"{folder}/never.toml", "--base-url", service.base_url)
    assert (done.returncode, done.stdout, "pack never: " in done.stderr) == (1, "", True), done.stderr
    missing = openers("world", kind, "never", "--pack", f"{folder}/none.toml", "--base-url", service.base_url)
    assert (missing.returncode, "none.toml" in missing.stderr) == (1, True), missing.stderr
    worlds = httpx.get(f"{service.base_url}/_test/worlds").json()["worlds"]
    assert "never" not in [each["name"] for each in worlds]


def test_serve_tells_that_a_world_was_loaded_before(folder: Path, tmp_path: Path) -> None:
    """Other data is never replaced: another pack is refused."""
    settings, other = settings_in(tmp_path), tmp_path / "other.toml"
    other.write_text('based_on = "empty"\n')
    logs = list[str]()
    for _ in range(2):
        with live(settings, words=("--world", f"{folder}/mine.toml")) as run:
            logs.append(run.log())
    note = "mine.toml was loaded before: after a change of its file, run `openers world reset`"
    assert [note in log for log in logs] == [False, True]
    port = str(free_port())
    done = openers("serve", "--world", str(other), "--port", port, **settings)
    assert (done.returncode, "name another database for other" in done.stderr) == (2, True), done.stderr
    real = {"OPENERS_BASE_URL": "https://ers.example", "OPENERS_CLAMD_URL": "tcp://127.0.0.1:9", "OPENERS_PORT": port}
    production = openers("serve", "--world", str(other), "--mode", "production", **settings, **real)
    assert (production.returncode, "only for test mode" in production.stderr) == (2, True), production.stderr
    nowhere = openers("serve", "--world", str(tmp_path / "none.toml"), "--port", port, **settings)
    assert (nowhere.returncode, "there is no pack" in nowhere.stderr) == (1, True), nowhere.stderr
