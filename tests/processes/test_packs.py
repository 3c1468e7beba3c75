"""Packs by path: each command that accepts one, in its own process, and the effect of a changed file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx

from tests.kit.run.command import openers, settings_in
from tests.kit.service.demo import demo_in, wait_for_polls
from tests.kit.service.live import live

SERVICE: Final = "11006"
PACK: Final = f"""
based_on = "./hospital.toml"
title = "A practice"

[[afterwards.services]]
id = "{SERVICE}"
name = "%s"
"""
SCENE: Final = """
title = "When the priorities changed"
operations = ["A004"]
now = 2031-01-01T12:00:00Z
code_systems_changed = { PRIORITY = 2031-01-01T11:00:00Z }
"""


def write(folder: Path, name: str, base: str = "./hospital.toml") -> str:
    """Write `practice.toml`, which gives a service this name, and its base; return its path."""
    (folder / "hospital.toml").write_text('based_on = "demo"\n', "utf-8")
    file = folder / "practice.toml"
    file.write_text((PACK % name).replace("./hospital.toml", base), "utf-8")
    return str(file)


def get(base_url: str, path: str, **headers: str) -> httpx.Response:
    """Call an operation of a service with open access, as its referring clinician."""
    sent = {"NHSD-eRS-Business-Function": "REFERRING_CLINICIAN", **headers}
    return httpx.get(f"{base_url}/referrals/FHIR{path}", headers=sent)


def name_at(base_url: str) -> str:
    """Return the name of the service in the main world."""
    return str(get(base_url, f"/R4/HealthcareService/{SERVICE}").raise_for_status().json()["name"])


def change(base_url: str, *words: str) -> str:
    """Run `openers world` for a running service, and return its output; it must succeed."""
    done = openers("world", *words, "--base-url", base_url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_demo_begins_with_a_pack_by_path(tmp_path: Path) -> None:
    """A pack's path is relative to the command's folder.

    A reset reads the changed file, and a restart keeps the PAS.
    """
    write(tmp_path, "Heart")
    words = ["--world", "./practice.toml", "--open"]
    with demo_in(tmp_path, words=words) as demo:
        assert name_at(demo.base_url) == "Heart"
        write(tmp_path, "Heart and Lungs")
        assert name_at(demo.base_url) == "Heart"
        change(demo.base_url, "reset")
        assert name_at(demo.base_url) == "Heart and Lungs"
    write(tmp_path, "Lungs")
    with demo_in(tmp_path, words=words) as again:
        assert name_at(again.base_url) == "Heart and Lungs"
        said = (tmp_path / "openers.db.log").read_text()
        assert "was loaded before: after a change of its file, run `openers world reset`" in said
        wait_for_polls(again)
        assert again.health["status"] == "pass"
        change(again.base_url, "reset")
        assert name_at(again.base_url) == "Lungs"


def test_a_database_is_loaded_with_a_pack_by_path(tmp_path: Path) -> None:
    """`openers world load` accepts a pack by path, and a reset of the service reads the file again."""
    path, settings = write(tmp_path, "Heart"), settings_in(tmp_path)
    done = openers("world", "load", path, **settings)
    assert done.returncode == 0, done.stderr
    with live(settings, words=["--open"]) as run:
        assert name_at(run.base_url) == "Heart"
        write(tmp_path, "Lungs")
        change(run.base_url, "reset")
        assert name_at(run.base_url) == "Lungs"


def test_a_running_service_becomes_a_pack_by_path(tmp_path: Path) -> None:
    """A running service accepts a pack with its scenes.

    A reset restores the pack as it was sent, and reports that; another `become` sends the file again.
    """
    path, settings = write(tmp_path, "Heart", "demo"), settings_in(tmp_path)
    (tmp_path / "practice").mkdir()
    (tmp_path / "practice" / "then.toml").write_text(SCENE, "utf-8")
    assert openers("world", "load", "empty", **settings).returncode == 0
    with live(settings, words=["--open", "--frozen"]) as run:
        change(run.base_url, "become", path)
        assert name_at(run.base_url) == "Heart"
        then = get(run.base_url, "/STU3/CodeSystem/PRIORITY", **{"X-OpenERS-Scene": "then"})
        assert then.json()["date"].startswith("2031-01-01T11")
        write(tmp_path, "Lungs", "demo")
        said = change(run.base_url, "reset")
        assert "practice" in said
        assert "as uploaded" in said
        assert name_at(run.base_url) == "Heart"
        change(run.base_url, "become", path)
        assert name_at(run.base_url) == "Lungs"


def test_a_pack_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Each command reports a missing pack before it creates anything."""
    for words in (("world", "load"), ("demo", "--world"), ("serve", "--world"), ("world", "become")):
        done = openers(*words, "./nowhere.toml", **settings_in(tmp_path))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
        assert "nowhere.toml" in done.stderr
    assert list(tmp_path.iterdir()) == []
