"""The wheel serves the demo world and tests another project, from an empty folder without the project's folder."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.kit.run.built import Packages
from tests.kit.run.installed import environment_of
from tests.kit.service.demo import demo_of

CLINICIAN = "555073103100"
ROLE = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
ROOTS = (
    "import openers, openers_client, openers_testpas as t; print(openers.__file__, openers_client.__file__, t.__file__)"
)
SETTINGS = "[pytest]\nopeners_pack = demo\n"
TESTS = """
def test_a_referral_is_created(openers_world):
    openers_world.call("GET", "/STU3/CodeSystem/PRIORITY")
    answer = openers_world.call("POST", "/STU3/ReferralRequest/$ers.createReferral", {"resourceType": "Parameters"})
    assert answer.status == 201


def test_nothing_is_shown_of_a_test_that_passes(openers_world):
    openers_world.call("GET", "/STU3/CodeSystem/SPECIALTY")


def test_without_a_call(openers_world):
    assert False
"""


@pytest.fixture(scope="module")
def environment(built: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with the packages of test mode, beside pytest."""
    folder = tmp_path_factory.mktemp("installed")
    return environment_of(built.wheel, folder / "environment", ("test-mode",), ("pytest",))


def _run(environment: Path, folder: Path, *command: str) -> str:
    """Run a program of the environment in a folder; return its output. It may fail."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENERS_", "PYTHON", "PYTEST"))}
    program, *words = command
    done = subprocess.run(
        [environment / "bin" / program, *words],
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_demo_of_the_installed_wheel_answers_calls(environment: Path, tmp_path: Path) -> None:
    assert _run(environment, tmp_path, "openers", "--version") == f"openers {version('openers')}\n"
    paths = _run(environment, tmp_path, "python", "-c", ROOTS).split()
    assert [path for path in paths if not path.startswith(str(environment))] == []
    with demo_of(environment / "bin/openers", tmp_path) as demo:
        headers = {"Authorization": f"Bearer {demo.token(CLINICIAN)}", **ROLE}
        reply = httpx.get(f"{demo.base_url}/referrals/FHIR/STU3/CodeSystem/PRIORITY", headers=headers)
        assert reply.status_code == 200
        assert {each["code"] for each in reply.json()["concept"]} >= {"ROUTINE", "URGENT"}
        for page in (f"{demo.base_url}/", f"{demo.base_url}/docs/", f"{demo.base_url}/_test/", demo.pas_url):
            assert httpx.get(page, follow_redirects=True).status_code == 200, page
        assert _run(environment, tmp_path, "openers", "token", "user", CLINICIAN, "--base-url", demo.base_url).strip()


def test_a_second_project_needs_two_lines_and_sees_the_calls_of_a_failure(environment: Path, tmp_path: Path) -> None:
    """The report of a failing test shows each call, why one was rejected, and the cure."""
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "test_reminders.py").write_text(TESTS)
    told = _run(environment, tmp_path, "python", "-m", "pytest", "-p", "no:cacheprovider")
    assert "2 failed, 1 passed" in told
    calls = [line for line in told.splitlines() if "/referrals/FHIR/" in line]
    assert calls == [
        "200 GET /referrals/FHIR/STU3/CodeSystem/PRIORITY A004",
        "422 POST /referrals/FHIR/STU3/ReferralRequest/$ers.createReferral A011",
    ], told
    after = told.partition(calls[1])[2].splitlines()
    assert [line.partition(":")[0].strip() for line in after[1:3]] == ["why", "cure"], told
    assert "no call was recorded" in told
