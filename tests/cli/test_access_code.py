"""`openers access-code`: its effect on a referral's code, and its rejections."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kit.run.command import openers
from tests.kit.service.live import live, settings_env
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, copied
from tests.kit.store.outside import fetch

SEALED = "SELECT sealed FROM access_codes WHERE ubrn = ?"


@pytest.fixture
def settings(sqlite_template: Path, tmp_path: Path, keys: Path) -> dict[str, str]:
    return settings_env(copied(sqlite_template, tmp_path), keys)


def referred(settings: dict[str, str]) -> str:
    """Run a service that creates a referral, then stop it; return the UBRN."""
    with live(settings) as service:
        reply = service.as_person(GP).post(**create_referral())
        assert reply.status_code == 201
        return str(reply.json()["id"])


def sealed(settings: dict[str, str], ubrn: str) -> list[tuple[bytes]]:
    return asyncio.run(fetch(settings["OPENERS_DATABASE_URL"], SEALED, ubrn))


def test_a_code_is_made_anew_taken_away_and_made_again(settings: dict[str, str]) -> None:
    """The UBRN may be typed with the spaces of the printed form. The command never prints the code."""
    ubrn = referred(settings)
    first = sealed(settings, ubrn)
    reset = openers("access-code", "reset", f"{ubrn[:4]} {ubrn[4:8]} {ubrn[8:]}", **settings)
    assert (reset.returncode, reset.stderr) == (0, "")
    assert reset.stdout == "the referral has a new access code; print a new letter for the patient\n"
    assert sealed(settings, ubrn) not in (first, [])
    revoked = openers("access-code", "revoke", ubrn, **settings)
    assert (revoked.returncode, revoked.stdout) == (0, "the referral's access code is revoked\n")
    assert sealed(settings, ubrn) == []
    assert openers("access-code", "reset", ubrn, **settings).returncode == 0
    assert len(sealed(settings, ubrn)) == 1


@pytest.mark.parametrize("act", ["reset", "revoke"])
@pytest.mark.parametrize(("ubrn", "told"), [("999999999999", "is not known"), ("12", "must be 12 digits")])
def test_what_names_no_referral_is_told_in_one_line(settings: dict[str, str], act: str, ubrn: str, told: str) -> None:
    done = openers("access-code", act, ubrn, **settings)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert told in done.stderr


def test_a_service_that_runs_on_the_file_comes_first(settings: dict[str, str]) -> None:
    with live(settings):
        done = openers("access-code", "reset", "999999999999", **settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert "stop it first" in done.stderr
