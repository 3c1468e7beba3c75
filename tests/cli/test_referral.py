"""`openers referral`: the acts that administrators record, and the messages of rejected commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.kit.referrals.cast import STATES, Cast, gathered
from tests.kit.referrals.rig import rig
from tests.kit.referrals.words import LETTER
from tests.kit.run.command import openers, settings_in
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
AHEAD = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds").replace("+00:00", "Z")


async def referrals(url: str, keys: Path) -> list[str]:
    """Create two referrals that can be booked by telephone, the second at an assessment service; return their UBRNs."""
    async with rig(url, keys) as desk:
        cast: Cast = await gathered(desk)
        first = await STATES["not booked"][1](cast)
        second = await cast.refer("11003", intention=LETTER)
        return [first["id"], second["id"]]


async def told(url: str, ubrn: str) -> tuple[str, str]:
    """Return the state and last event of a referral, read directly from the database."""
    ((body,),) = await fetch(url, "SELECT body FROM referrals WHERE ubrn = ?", ubrn)
    events = [row[0].decode() for row in await fetch(url, "SELECT body FROM events ORDER BY number")]
    state = body.decode().partition('"state":"')[2].partition('"')[0]
    return state, events[-1].partition('"act":"')[2].partition('"')[0]


async def test_what_administrators_record(demo_url: str, keys: Path, tmp_path: Path) -> None:
    """Administrators can record a telephone booking, an assessment and a relation. Other attempts are rejected."""
    first, second = await referrals(demo_url, keys)
    settings = settings_in(tmp_path, demo_url)
    words = ("referral", "book-by-telephone")
    done = openers(*words, first, "11009", AHEAD, **settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert await told(demo_url, first) == ("BOOKED", "record a booking by telephone")
    assert openers(*words, second, "11003", AHEAD, **settings).returncode == 0
    assert openers("referral", "assess", second, **settings).returncode == 0
    assert await told(demo_url, second) == ("ASSESSMENT_RESULT", "record an assessment")
    assert openers("referral", "relate", first, second, **settings).returncode == 0
    assert (await told(demo_url, first))[1] == "relate to another referral"
    refused = {
        ("referral", "relate", first, second): "is related to",
        ("referral", "relate", first, first): "cannot be related to itself",
        (*words, first, "11009", AHEAD): "does not allow to record a booking by telephone",
        (*words, "999999999999", "11009", AHEAD): "999999999999 does not exist",
        (*words, first, "11009", "2020-01-31T09:30:00Z"): "must be in the future",
        (*words, first, "11009", "tomorrow"): "must be an instant",
        (*words, "1", "11009", AHEAD): "must be 12 digits",
        ("referral", "assess", first): "is not an assessment service",
        ("referral", "assess", second): "does not allow to record an assessment",
    }
    for command, text in refused.items():
        done = openers(*command, **settings)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
