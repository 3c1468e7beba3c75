"""Packs with acts: faults are named with their place, and forms are filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from openers.cli.demo import load_if_empty
from openers.worlds.packs import PackError, parse_pack, read_pack
from openers.worlds.packs.acts import filled, looked_up
from tests.kit.service.running import settings_for
from tests.kit.service.worlds import rig

HEAD = 'name = "p"\ntitle = "P"\nday = 2026-11-23\nbased_on = "demo"\n'
ACTOR = '[actors.gp]\nuser = "555073103100"\norganisation = "D82106"\nfunction = "REFERRING_CLINICIAN"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[acts]]\nform = "read-referral"\nby = "nobody"\n', "$.acts[0].by: there is no actor nobody"),
        (ACTOR + '[[acts]]\nform = "dance"\nby = "gp"\n', "$.acts[0].form: there is no form dance"),
        (ACTOR + '[[acts]]\nform = "read-referral"\nby = "gp"\nday = 3\n', "unknown field `day`"),
        ('[open_to]\nREFERRING_ADMIN = "555073103999"\n', "there is no user 555073103999"),
        (
            '[[users]]\nid = "555073103101"\nname = "A"\nroles = []\n[open_to]\nREFERRING_ADMIN = "555073103101"\n',
            "555073103101 does not have this function",
        ),
        ('[[clinics]]\nservices = ["1"]\nopens = 09:00:00\ncloses = 10:00:00\n', "there is no service 1"),
        ('[[afterwards.sites]]\nods = "RCD01"\n', "only these can change"),
        ('[[records.referrals]]\nversion = "five"\n', "records"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    with pytest.raises(PackError) as raised:
        parse_pack("p", HEAD + text)
    assert said in str(raised.value)


def test_a_pack_is_based_on_another() -> None:
    """Lists are joined, other values are replaced, and lists named in `without` are left out."""
    text = HEAD + 'without = ["patients"]\n[crowd]\nseed = 1\ncount = 3\npractices = ["D82106"]\n'
    pack = parse_pack("p", text)
    assert (len(pack.patients), len(pack.services), pack.title) == (3, 30, "P")
    with pytest.raises(PackError, match="no base pack 'nowhere'"):
        parse_pack("p", HEAD.replace("demo", "nowhere"))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$one", 1),
        ("a ${one} b ${two}", "a 1 b x"),
        ("$ers.createReferral", "$ers.createReferral"),
        ({"a": "$none", "b": "$two"}, {"b": "x"}),
        ({"a": {"b": "$none"}}, None),
        ([{"$each": "many", "v": "$each"}], [{"v": 1}, {"v": 2}]),
        ({"$from": "whole", "b": "$two"}, {"a": 0, "b": "x"}),
    ],
)
def test_forms_are_filled(template: Any, expected: Any) -> None:
    values = {"one": 1, "two": "x", "none": None, "many": [1, 2], "whole": {"a": 0, "b": 0}}
    assert filled(template, values) == expected


def test_gaps_and_references_without_a_value_are_named() -> None:
    with pytest.raises(ValueError, match="no value for the placeholder three"):
        filled("$three", {})
    replies = {"r": {"id": "7", "entry": [{"v": 1}, {"v": 2}]}}
    assert looked_up(["@r.id", "@r.entry.-1.v", "plain"], replies) == ["7", 2, "plain"]
    with pytest.raises(ValueError, match=r"@r\.version"):
        looked_up("@r.version", replies)


@pytest.mark.anyio
async def test_a_world_of_an_earlier_release_gets_the_applications_of_its_pack(tmp_path: Path) -> None:
    whole = read_pack("demo")
    small = msgspec.structs.replace(whole, services=whole.services[:1], acts=(), patients=(), clinics=())
    before = msgspec.structs.replace(
        small, applications=tuple(each for each in small.applications if each.client_id != "quickconnect")
    )
    settings = settings_for(f"sqlite:///{tmp_path}/openers.db", tmp_path)
    address = {"client_id": "quickconnect", "redirect_uri": "http://127.0.0.1:8003/callback", "response_type": "code"}
    for pack, expected in ((before, 400), (small, 200)):
        await load_if_empty(settings, pack)
        async with rig(settings.database_url, tmp_path) as made:
            assert (await made.http.get("/oauth2/authorize", params=address)).status_code == expected
