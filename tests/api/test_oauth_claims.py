"""Roles from claims: people are made at log-in, and their roles follow the provider. Two instances, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.api.test_oauth_upstream import PRODUCTION, US, Both, both_running
from tests.kit.service.oauth_service import brought, refused

from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import RC, RCA, SPC, BusinessFunction
from openers.identity.claims import UserInfo, person_of

pytestmark = pytest.mark.anyio
NEW = UserId("555000000999")
GP, TRUST, UNKNOWN = OdsCode("D82106"), OdsCode("RCD"), OdsCode("Z99999")
ADMIN = BusinessFunction.ERS_ADMIN
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture
async def both(tmp_path: Path) -> AsyncGenerator[Both]:
    async with both_running(tmp_path, roles_from_claims=True) as started:
        yield started


def person(*roles: Role, **changes: Any) -> User:
    user = User(id=NEW, name="Dr Noor New", roles=roles, workgroups=frozenset({"RCD/Cardiology"}))
    return msgspec.structs.replace(user, **changes)


async def log_in(both: Both, *roles: Role, **changes: Any) -> dict[str, str]:
    """Log in the person, who has these roles at the provider; return the answer to the application."""
    await both.provider.put(person(*roles, **changes))
    both.browser.cookies.clear()
    back = await both.pick(await both.at_provider(), NEW)
    return brought(await both.production.http.get(back))


async def tokens(both: Both, *roles: Role) -> Any:
    reply = await both.production.redeem((await log_in(both, *roles))["code"])
    assert reply.status_code == 200, reply.text
    return reply.json()


async def known(both: Both) -> User | None:
    async with both.production.world.read() as tx:
        return await tx.directory.user(NEW)


async def test_a_person_is_made_at_the_first_log_in(both: Both) -> None:
    assert await known(both) is None
    got = await tokens(both, Role(GP, (RC, RCA)), Role(TRUST, (SPC, ADMIN)), Role(UNKNOWN, (RC,)))
    made = await known(both)
    assert made is not None
    assert made.name == "Dr Noor New"
    assert made.roles == (Role(GP, (RC, RCA), from_claims=True), Role(TRUST, (SPC,), from_claims=True))
    assert made.workgroups == {"RCD/Cardiology"}
    caller = await both.production.caller(got["access_token"])
    assert caller.user == made


async def test_a_role_that_is_lost_at_the_provider_ends_the_sessions_with_it(both: Both) -> None:
    first = await tokens(both, Role(GP, (RC,)), Role(TRUST, (SPC,)))
    second = await tokens(both, Role(GP, (RC, RCA)), Role(TRUST, (SPC,)))
    assert await both.production.opens(first["access_token"]), "a role more changes nothing for earlier sessions"
    third = await tokens(both, Role(GP, (RC, RCA)))
    for ended in (first, second):
        both.production.deps.cache.clear()
        assert not await both.production.opens(ended["access_token"])
    assert await both.production.opens(third["access_token"])


async def test_whoever_has_no_role_left_is_not_logged_in(both: Both) -> None:
    assert (await log_in(both))["error"] == "access_denied"
    assert await known(both) is None, "nobody is stored who never had a role"
    before = await tokens(both, Role(GP, (RC,)))
    assert (await log_in(both, Role(UNKNOWN, (RC,))))["error"] == "access_denied"
    kept = await known(both)
    assert kept is not None
    assert kept.roles == ()
    both.production.deps.cache.clear()
    assert not await both.production.opens(before["access_token"])


async def test_what_an_administrator_gave_or_took_stays(both: Both) -> None:
    await tokens(both, Role(GP, (RC,)))
    made = await known(both)
    assert made is not None
    given = Role(GP, (ADMIN, RC))
    await both.production.put(msgspec.structs.replace(made, roles=(given, *made.roles)))
    await tokens(both, Role(GP, (RC, RCA)))
    now = await known(both)
    assert now is not None
    assert now.roles == (given, Role(GP, (RCA,), from_claims=True))
    await both.production.put(msgspec.structs.replace(now, active=False))
    assert (await log_in(both, Role(GP, (RC,))))["error"] == "access_denied"
    assert await known(both) == msgspec.structs.replace(now, active=False)


async def test_an_id_token_is_not_exchanged_since_it_holds_no_roles(both: Both) -> None:
    proved = (await both.provider.logged_in())["id_token"]
    kind = "urn:ietf:params:oauth:token-type:id_token"
    reply = await both.production.token(EXCHANGE, subject_token=proved, subject_token_type=kind)
    assert refused(reply) == (400, "unsupported_grant_type")
    assert "claims" in reply.json()["error_description"]
    for service, offered in ((both.production, False), (both.provider, True)):
        found = (await service.http.get("/.well-known/openid-configuration")).json()
        assert (EXCHANGE in found["grant_types_supported"]) is offered


async def test_our_own_provider_states_roles_as_claims(both: Both) -> None:
    await both.provider.put(person(Role(GP, (RC, ADMIN)), Role(TRUST, (SPC,))))
    token = (await both.provider.logged_in(NEW))["access_token"]
    info = (await both.provider.http.get("/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"})).json()
    practice, trust = info["nhsid_nrbac_roles"]
    assert (practice["org_code"], practice["activity_codes"], practice["workgroups"]) == (GP, ["B1101"], [])
    assert (trust["org_code"], trust["activity_codes"], trust["workgroups"]) == (TRUST, ["B1110"], ["Cardiology"])
    assert practice["person_roleid"] != trust["person_roleid"]
    assert info["sub"] == NEW


async def test_prompt_none_is_asked_of_the_provider_and_its_refusal_is_told(both: Both) -> None:
    await log_in(both, Role(GP, (RC,)))
    both.production.log_out_here()
    both.browser.cookies.clear()
    address = await both.at_provider(prompt="none", login_hint=NEW)
    assert "prompt=none" in address
    assert f"login_hint={NEW}" in address
    back = (await both.browser.get(address)).headers["location"]
    assert back.startswith(f"{PRODUCTION}/oauth2/callback?error=login_required")
    assert brought(await both.production.http.get(back))["error"] == "login_required"


async def test_a_log_in_at_the_provider_must_be_as_recent_as_asked(both: Both) -> None:
    """A provider that passes a person through, in spite of what was asked, logs nobody in."""
    async with both.provider.world.read() as tx:
        ourselves = await tx.directory.application(US)
    assert ourselves is not None
    await both.provider.put(msgspec.structs.replace(ourselves, single_sign_on=True))
    assert "code" in await log_in(both, Role(GP, (RC,)))
    for wall in (both.provider.wall, both.production.wall):
        wall.advance(minutes=2)
    for asked, expected in (({}, ""), ({"max_age": "60"}, "login_required"), ({"prompt": "login"}, "login_required")):
        both.production.log_out_here()
        address = httpx.URL(await both.at_provider(**asked))
        for name, value in asked.items():
            assert address.params[name] == value, "it is passed on"
            address = address.copy_remove_param(name)
        back = (await both.browser.get(address)).headers["location"]
        assert brought(await both.production.http.get(back)).get("error", "") == expected


@pytest.mark.parametrize(
    ("claim", "roles"),
    [
        ({"org_code": "D82106", "activity_codes": ["B1101", "B1101", "B9999"]}, (Role(GP, (RC,), from_claims=True),)),
        ({"org_code": "not an ODS code!", "activity_codes": ["B1101"]}, ()),
        ({"org_code": "D82106", "activity_codes": []}, ()),
        ({"org_code": "D82106"}, ()),
        ({"org_code": "D82106", "role_code": "S8000:G8000:R8000", "activity_codes": ["b1101"]}, ()),
    ],
    ids=str,
)
def test_only_known_activities_at_organisations_count(claim: dict[str, Any], roles: tuple[Role, ...]) -> None:
    info = msgspec.convert({"sub": "x", "nhsid_nrbac_roles": [claim]}, UserInfo)
    assert person_of(info, NEW, person().assurance).roles == roles
