"""The API of 2018 keeps the limits of today's: organisations, log-ins, lengths and numbers, and a frozen world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openers.settings import SettingsError, read_settings
from tests.kit.referrals.cast import Cast
from tests.kit.service.running import CONSULTANT, GP, copied, running, settings_for
from tests.kit.service.worlds import rig
from tests.legacy.client import Json, Program, code, programs
from tests.legacy.test_alpha import file, letter, parameters, referral, version_of
from tests.legacy.test_provider import error_of

pytestmark = pytest.mark.anyio
TOO_LONG = "x" * 2001


async def test_an_organisation_that_is_not_on_the_allow_list_reads_nothing(
    sqlite_template: Path, tmp_path: Path, keys: Path
) -> None:
    settings = settings_for(copied(sqlite_template, tmp_path), keys, ods_allow_list="D82106")
    async with running(settings) as run, programs(run.service, 2) as (other, listed):
        await other.log_in(CONSULTANT)
        refused = await other.specialties()
        assert (refused.status_code, "the role of the session" in refused.text) == (403, True)
        await listed.log_in(GP)
        assert (await listed.specialties()).status_code == 200


@pytest.mark.parametrize("person", ["656005750109", "656005750110", "656005750112"])
async def test_a_weak_log_in_begins_no_session(person: str, program: Program) -> None:
    """These are the people of the demo world whom today's API refuses, or accepts, for their levels."""
    accepted = person == "656005750109"
    reply = await program.begin(person)
    assert reply.status_code == (201 if accepted else 403)
    assert accepted or code(reply) == (403, "LOG_IN_TOO_WEAK")


@pytest.mark.parametrize(
    "role", [{"businessFunction": [], "orgIdentifier": "R69"}, {"businessFunction": {}, "orgIdentifier": "R69"}]
)
async def test_a_function_that_is_no_text_is_refused(role: Json, program: Program) -> None:
    await program.begin(CONSULTANT.user)
    assert code(await program.select({"permission": role})) == (422, "VALIDATION_FAILED")


@pytest.mark.parametrize("url", [[], {}, 7, None])
async def test_an_extension_whose_url_is_no_text_is_not_read(url: Any, cast: Cast) -> None:
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(GP)
        body = {**referral("11002"), "extension": [{"extension": [{"url": url, "valueBoolean": True}]}]}
        assert (await program.http.post("/v1/CreateReferral", json=body)).status_code == 201


@pytest.mark.parametrize("text", [TOO_LONG, "a\x07b"])
async def test_a_comment_has_the_length_and_characters_of_today(text: str, cast: Cast) -> None:
    ubrn = str((await cast.booked())["id"])
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(CONSULTANT)
        version = await version_of(program, ubrn)
        address = f"/v1/ReferralRequest/{ubrn}/$ers.reject"
        reply = await program.http.post(address, json=parameters({"reason": "OTHER", "comment": text}), headers=version)
        assert (reply.status_code, error_of(reply.json())) == (422, "INVALID_VALUE")


@pytest.mark.parametrize(
    "files",
    [
        [file("a.txt", "A"), file("A.TXT", "B")],
        [file(f"{number}.txt", "A") for number in range(51)],
        [{**file("a.txt", "A"), "extension": [{"valueString": "x" * 201}]}],
        [{**file("a.txt", "A"), "extension": [{"valueString": "a\x00"}]}],
    ],
    ids=["one name twice", "too many", "long description", "control character"],
)
async def test_a_letter_that_is_refused_stores_no_file(files: list[Json], cast: Cast) -> None:
    unbooked = await cast.refer()
    ubrn, version = str(unbooked["id"]), {"If-Match": f'W/"{unbooked["meta"]["versionId"]}"'}
    before = await cast.rows()
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(GP)
        began = await cast.rows()
        body = letter(attachmentsToInsert=files)
        address = f"/v1/ReferralRequest/{ubrn}/$ers.uploadReferralLetter"
        reply = await program.http.post(address, json=body, headers=version)
        assert reply.status_code == 422, reply.text
        assert await cast.rows() == began == before


async def test_a_long_day_of_the_catalogue_is_not_repeated(cast: Cast) -> None:
    async with programs(cast.rig.run.service) as (program,):
        reply = await program.http.get("/catalogue", params={"on": "1" * 15_000})
        assert (reply.status_code, len(reply.content) < 1000) == (400, True)


async def test_a_new_ticket_ends_the_one_before(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    async with rig(copied(sqlite_template, tmp_path), keys) as made, programs(made.service) as (program,):
        await made.control("PUT", "/cards/inserted", {"uuid": CONSULTANT.user})
        first = (await made.control("POST", "/cards/ticket"))["ticket"]
        second = (await made.control("POST", "/cards/ticket/new"))["ticket"]
        assert code(await program.begin_with(first)) == (403, "TOKEN_NOT_VALID")
        assert (await program.begin_with(second)).status_code == 201


async def test_a_frozen_world_keeps_nothing(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Sessions of 2018 and records of the administration would outlive their call, so they are refused."""
    async with rig(copied(sqlite_template, tmp_path), keys, frozen=True) as made:
        async with programs(made.service) as (program,):
            refused = await program.begin(CONSULTANT.user)
            assert (refused.status_code, "frozen" in refused.text) == (403, True)
        put = await made.http.put("/admin/v1/organisations/ZZ1", json={})
        assert (put.status_code, "frozen" in put.text) == (403, True)
        assert (await made.http.get("/admin/v1/organisations/RCD")).status_code == 401


def test_tls_is_not_required_without_an_authority() -> None:
    with pytest.raises(SettingsError, match="OPENERS_REQUIRE_TLS needs OPENERS_TLS_CLIENT_CA"):
        read_settings({"OPENERS_REQUIRE_TLS": "true"})
