"""Where TLS is required, nobody logs in without a smartcard: one test for each way to log in."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from openers.api.legacy.assembly import rules_of
from openers.settings import Mode, SettingsError, read_settings
from tests.kit.service.certificates import Certificates
from tests.kit.service.running import CONSULTANT, GP, Running, copied, running, settings_for
from tests.kit.service.worlds import Rig, rig
from tests.legacy.client import code, programs

pytestmark = pytest.mark.anyio
ASKED: Final = {
    "client_id": "demo-user-app",
    "redirect_uri": "http://127.0.0.1/callback",
    "response_type": "code",
    "scope": "openid",
}


def required(folder: Path) -> dict[str, Any]:
    """Return the settings that require TLS; a proxy on this machine passes on certificates of the authority."""
    trust = str(Certificates(folder).files.trust)
    return {"require_tls": True, "trusted_proxies": ("127.0.0.1",), "tls_client_ca": trust}


@pytest.fixture
async def strict(sqlite_template: Path, tmp_path: Path, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service in test mode that requires TLS and smartcards."""
    async with rig(copied(sqlite_template, tmp_path), keys, **required(tmp_path)) as made:
        yield made


async def test_the_log_in_page_offers_only_the_inserted_card(strict: Rig) -> None:
    page = (await strict.http.get("/oauth2/authorize", params=ASKED)).text
    assert not re.findall(r'name="user_id"', page)
    await strict.control("PUT", "/cards/inserted", {"uuid": GP.user})
    page = (await strict.http.get("/oauth2/authorize", params=ASKED)).text
    assert re.findall(r'name="user_id" id="user-(\d+)"', page) == [GP.user]
    (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    forged = await strict.http.post(action, data={**hidden, "user_id": CONSULTANT.user})
    assert forged.status_code == 400
    own = await strict.http.post(action, data={**hidden, "user_id": GP.user})
    assert (own.status_code, "code=" in own.headers.get("location", "")) == (303, True)


async def test_a_log_in_without_a_browser_needs_the_card(strict: Rig) -> None:
    refused = await strict.http.post("/_test/sessions", json={"user": GP.user})
    assert (refused.status_code, "is not in the reader" in refused.text) == (400, True)
    await strict.control("PUT", "/cards/inserted", {"uuid": CONSULTANT.user})
    assert (await strict.http.post("/_test/sessions", json={"user": GP.user})).status_code == 400
    assert (await strict.http.post("/_test/sessions", json={"user": CONSULTANT.user})).status_code == 201
    assert (await strict.http.post("/_test/sessions", json={"application": "demo-provider-app"})).status_code == 201


async def test_a_user_id_is_no_log_in_token(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Neither with TLS required nor in production does a user id begin a session, nor XAPI_FQDN stand in."""
    settings = settings_for(copied(sqlite_template, tmp_path), keys, **required(tmp_path))
    async with running(settings) as run, programs(run.service) as (program,):
        refused = await program.begin(CONSULTANT.user)
        assert code(refused) == (403, "UNAUTHORISED_ACCESS")
        assert "has no client certificate" in refused.json()["message"]


async def test_production_accepts_neither_a_host_name_nor_a_user_id(service: Running) -> None:
    settings = service.service.settings
    assert [rules_of(each).plain for each in (settings, replace(settings, mode=Mode.PRODUCTION))] == [True, False]
    assert not rules_of(replace(settings, require_tls=True)).plain


def test_the_open_door_and_required_cards_exclude_each_other() -> None:
    with pytest.raises(SettingsError, match="OPENERS_OPEN lets in callers without a smartcard"):
        read_settings({"OPENERS_OPEN": "true", "OPENERS_REQUIRE_TLS": "true"})
