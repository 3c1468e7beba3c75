"""The commands that look at a running service: its world, calls, explanations and events."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from openers.worlds.packs import read_pack
from tests.kit.run.command import PROGRAM, environment, openers, settings_in
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.live import Live, live, settings_env
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, copied


@pytest.fixture(scope="module")
def settings(sqlite_template: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of the service."""
    return settings_env(copied(sqlite_template, tmp_path_factory.mktemp("inspecting")), keys)


@pytest.fixture(scope="module")
def service(settings: dict[str, str]) -> Generator[Live]:
    """Run a service with one referral and one refused call."""
    with live(settings) as run:
        client = run.as_person(GP)
        assert client.post(**create_referral()).status_code == 201
        refused = client.get("/STU3/CodeSystem/NONE", headers={"X-Correlation-ID": "mine"})
        assert refused.status_code in (400, 404, 422)
        yield run


def said(service: Live, *words: str) -> str:
    """Run a command for the service; it must succeed."""
    done = openers(*words, "--base-url", service.base_url)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_a_world_is_described(service: Live) -> None:
    """Each row has its id, its name, what it is, and what is special about it; JSON has the same rows."""
    text, told = said(service, "world", "describe"), json.loads(said(service, "world", "describe", "--json"))
    for part in ("organisations", "people", "services", "patients"):
        for row in told[part]:
            if row["special"]:
                assert "\t".join((row["id"], row["name"], row["kind"], "; ".join(row["special"]))) in text
    special = {fact for row in told["patients"] for fact in row["special"]}
    assert "sensitive: calls return PATIENT_ERROR" in special
    assert any(fact.startswith("died on") for fact in special)
    pack = read_pack("demo")
    for part, held in (("organisations", pack.organisations), ("services", pack.services), ("patients", pack.patients)):
        assert len(told[part]) == len(held)


def test_calls_are_listed_and_explained(service: Live) -> None:
    """The list has one line for each call; an explanation names the cure, and is found by UBRN too."""
    lines = said(service, "requests").splitlines()
    created = next(line.split("\t") for line in lines if "createReferral" in line)
    assert created[2:4] == ["201", "A011"]
    listed = json.loads(said(service, "requests", "--status", created[2], "--operation", "A011", "--json"))["requests"]
    assert [each["number"] for each in listed] == [int(created[0])]
    explained = said(service, "explain", "mine")
    assert "failed" in explained
    assert "\ncure: " in explained
    event = json.loads(said(service, "events", "--json"))
    assert "returned 201 (A011" in said(service, "explain", event["key"])
    unknown = openers("explain", "nobody", "--base-url", service.base_url)
    assert (unknown.returncode, unknown.stdout, unknown.stderr.count("\n")) == (1, "", 1)


def test_events_are_followed(service: Live) -> None:
    """A later event is printed as it happens."""
    words = ["events", "--follow", "--json", "--base-url", service.base_url]
    process = subprocess.Popen([PROGRAM, *words], env=environment({}), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["number"] == 1
        assert service.as_person(GP).post(**create_referral()).status_code == 201
        assert json.loads(process.stdout.readline())["number"] == 2
    finally:
        process.terminate()
        process.communicate(timeout=HANGS_AFTER_S)


def test_a_clock_is_advanced_to_an_instant(service: Live) -> None:
    """The clock arrives exactly; an instant in the past is refused."""
    said(service, "clock", "freeze")
    told = said(service, "clock", "advance", "--to", "2031-05-06T07:08:09Z")
    assert told.splitlines()[-1].startswith("2031-05-06T07:08:09Z\tmain")
    back = openers("clock", "advance", "--to", "2031-05-05T00:00:00Z", "--base-url", service.base_url)
    assert (back.returncode, back.stderr.count("\n")) == (1, 1)
    assert "to: 2031-05-05T00:00:00+00:00 must be from 2031-05-06" in back.stderr


def test_a_world_is_exported_while_a_service_runs(service: Live, settings: dict[str, str], tmp_path: Path) -> None:
    """The commands print what they moved, and a refused file is reported in one line."""
    file = tmp_path / "world.zip"
    assert said(service, "clock", "show")
    exported = openers("world", "export", str(file), **settings)
    assert exported.stdout.startswith(f"{file} contains a world with pack demo: "), exported.stderr
    new = settings_in(tmp_path)
    imported = openers("world", "import", str(file), **new)
    assert imported.stdout.startswith("imported a world with pack demo: "), imported.stderr
    file.write_bytes(b"")
    refused = openers("world", "import", str(file), **settings_in(tmp_path / "b"))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "cannot be imported: it is not an exported world" in refused.stderr
