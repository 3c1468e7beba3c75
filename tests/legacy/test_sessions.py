"""A001, A002, the third call and A003: their life, their order, and each failure with its documented error."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from openers.api.http.request import always
from openers.domain.credentials import CredentialKind
from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction
from openers.identity.professional.tickets import ticket_of_card
from openers.usecases.sessions.card_reader import insert_card, leave_idle, remove_card
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, Running, entry, running, settings_for
from tests.kit.store.stores import PostgresServer
from tests.legacy.client import ASID, SESSIONS, Json, Program, chosen, code, permission, programs

pytestmark = pytest.mark.anyio
NOBODY, CLERK = UserId("555099999901"), UserId("555099999902")
"""A person without any role, and one who works at the provider and is no clinician."""
FORBIDDEN = 403


async def put(run: Running, *people: User) -> None:
    """Add people to the directory."""
    async with run.service.world.for_call(entry()).begin("add people") as tx:
        for each in people:
            await tx.directory.put_user(each)


def person(user: UserId, *functions: BusinessFunction, workgroup: str = "") -> User:
    """Return a person with functions at the provider."""
    roles = (Role(OdsCode("RCD"), functions),) if functions else ()
    return User(id=user, name="Mx Sam Ash Example", roles=roles, workgroups=frozenset({workgroup} - {""}))


async def test_a001_lists_the_roles_of_the_holder(program: Program, on_both: Running) -> None:
    reply = await program.begin(CONSULTANT_ADMIN.user)
    told = reply.json()
    assert (reply.status_code, reply.headers["content-type"]) == (201, "application/json")
    assert list(told) == ["typeInfo", "id", "token", "user", "permission"]
    assert told["typeInfo"] == "uk.nhs.ers.xapi.dto.v1.session.ProfessionalSession"
    assert told["id"].startswith("pro-xapi-session_")
    assert told["permission"] is None
    assert told["user"]["identifier"] == CONSULTANT_ADMIN.user
    listed = [(each["orgIdentifier"], each["businessFunction"]) for each in told["user"]["permissions"]]
    assert listed == sorted(listed)
    assert ("RCD", "SERVICE_PROVIDER_CLINICIAN_ADMIN") in listed
    assert all(set(each) == {"businessFunction", "orgIdentifier", "orgName"} for each in told["user"]["permissions"])
    await put(on_both, person(NOBODY))
    reply = await program.begin(NOBODY)
    assert reply.status_code == 201
    assert reply.json()["user"] == {
        "identifier": NOBODY,
        "firstName": "Sam",
        "lastName": "Example",
        "middleName": "Ash",
        "permissions": [],
    }


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"token":" 555032006106 x x x "}', 201),
        (b'{"typeInfo":"uk.nhs.ers.xapi.dto.v1.session.ProfessionalSession","token":"555032006106 x x x"}', 201),
        (b'{"token":"555032006106%20x%20x%20x"}', 201),
        (b'{"token":"555032006106"}', "TOKEN_NOT_VALID"),
        (b'{"token":"555032006199 x x x"}', "TOKEN_NOT_VALID"),
        (b'{"token":"AQIC5wM2LY4SfcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=@AAJTSQACMDE=#"}', "TOKEN_NOT_VALID"),
        (b'{"token":""}', "VALIDATION_FAILED"),
        (b'{"token":7}', "VALIDATION_FAILED"),
        (b"{}", "VALIDATION_FAILED"),
        (b"[]", "VALIDATION_FAILED"),
        (b"", "VALIDATION_FAILED"),
        (b'{"token":', "VALIDATION_FAILED"),
    ],
)
async def test_tokens_and_bodies_of_a001(body: bytes, wanted: int | str, program: Program) -> None:
    reply = await program.http.post(SESSIONS, content=body)
    if wanted == 201:
        assert (reply.status_code, reply.json()["token"]) == (201, "555032006106 x x x")
    else:
        assert code(reply) == (422 if wanted == "VALIDATION_FAILED" else FORBIDDEN, wanted)


async def test_the_three_bodies_of_a002(program: Program) -> None:
    """Clients send the whole answer of A001, or a part, or only their id with the role."""
    role: Json = {**permission(CONSULTANT), "orgName": "any name"}
    for number in range(3):
        await program.begin(CONSULTANT.user)
        told = program.told[-1]
        bodies: list[Json] = [
            {**told, "permission": role},
            {"typeInfo": told["typeInfo"], "token": f" {told['token']}", "permission": permission(CONSULTANT)},
            {"id": told["id"], "permission": permission(CONSULTANT)},
        ]
        reply = await program.select(bodies[number])
        assert reply.status_code == 200, reply.text
        assert reply.json()["id"] == program.key
        assert reply.json()["permission"] == {**permission(CONSULTANT), "orgName": "Aire Teaching Hospitals"}
        assert "onBehalfOfUsers" not in reply.json()
        assert (await program.specialties()).status_code == 200
    assert len({each["id"] for each in program.told}) == 3


async def test_each_failure_of_a002(program: Program, on_both: Running) -> None:
    await put(on_both, person(NOBODY))
    unknown = await program.http.put(
        f"{SESSIONS}/pro-xapi-session_0", headers={"HTTP_X_SESSION_KEY": "pro-xapi-session_0"}
    )
    assert code(unknown) == (422, "VALIDATION_FAILED")
    no_session = await program.http.put(
        f"{SESSIONS}/pro-xapi-session_0", headers={"HTTP_X_SESSION_KEY": "pro-xapi-session_0"}, json=chosen()
    )
    assert code(no_session) == (FORBIDDEN, "SESSION_NOT_FOUND")
    await program.begin(CONSULTANT.user)
    without = await program.http.put(f"{SESSIONS}/{program.key}", json=chosen(), headers={"HTTP_X_SESSION_KEY": ""})
    assert code(without) == (FORBIDDEN, "HEADER_MISSING")
    cases: list[tuple[Json, int, str]] = [
        ({}, 422, "VALIDATION_FAILED"),
        ({"permission": None}, 422, "VALIDATION_FAILED"),
        ({"permission": "SERVICE_PROVIDER_CLINICIAN"}, 422, "VALIDATION_FAILED"),
        (chosen("DOCTOR"), 422, "VALIDATION_FAILED"),
        (chosen(organisation="?"), 422, "VALIDATION_FAILED"),
        (chosen(organisation="R69"), FORBIDDEN, "PERMISSION_NOT_HELD"),
        (chosen("REFERRING_CLINICIAN"), FORBIDDEN, "PERMISSION_NOT_HELD"),
        (chosen("PROVIDER_AUTHORISED_APPLICATION"), FORBIDDEN, "PERMISSION_NOT_HELD"),
        ({**chosen(), "token": "another"}, FORBIDDEN, "TOKEN_DIFFERS"),
        ({"onBehalfOf": CONSULTANT.user}, FORBIDDEN, "SESSION_NOT_ESTABLISHED"),
    ]
    for body, status, told in cases:
        assert code(await program.select(body)) == (status, told), body
        assert (await program.specialties()).status_code == FORBIDDEN
    other = await program.http.put(f"{SESSIONS}/pro-xapi-session_0", json=chosen())
    assert code(other) == (400, "HEADERS_DIFFER")
    assert (await program.select(chosen())).status_code == 200
    assert code(await program.select(chosen())) == (400, "ROLE_ALREADY_CHOSEN")
    assert code(await program.select({"onBehalfOf": CONSULTANT.user})) == (400, "ON_BEHALF_OF_NOT_EXPECTED")
    assert (await program.specialties()).status_code == 200


async def test_the_third_call(program: Program, on_both: Running) -> None:
    named = CONSULTANT_ADMIN.on_behalf_of or ""
    strangers = (
        person(CLERK, BusinessFunction.SERVICE_PROVIDER_ADMIN),
        person(UserId("555099999903"), BusinessFunction.SERVICE_PROVIDER_CLINICIAN, workgroup="RCD/unknown"),
    )
    await put(on_both, *strangers)
    spca = chosen(CONSULTANT_ADMIN.function)
    await program.begin(CONSULTANT_ADMIN.user)
    told = (await program.select(spca)).json()
    users = told["onBehalfOfUsers"]
    assert named in [each["identifier"] for each in users]
    assert all(set(each) == {"identifier", "firstName", "lastName", "middleName"} for each in users)
    assert "onBehalfOf" not in told
    early = await program.specialties()
    assert early.status_code == FORBIDDEN
    assert "not completely established" in early.text
    assert code(await program.select(spca)) == (400, "ROLE_ALREADY_CHOSEN")
    cases: list[tuple[Json, str]] = [
        ({}, "ON_BEHALF_OF_MISSING"),
        ({"onBehalfOf": {}}, "ON_BEHALF_OF_NOT_VALID"),
        ({"onBehalfOf": ""}, "ON_BEHALF_OF_NOT_VALID"),
        ({"onBehalfOf": "555099999999"}, "ON_BEHALF_OF_NOT_VALID"),
        ({"onBehalfOf": {"identifier": GP.user}}, "ON_BEHALF_OF_NOT_AT_ORGANISATION"),
        ({"onBehalfOf": CLERK}, "ON_BEHALF_OF_NOT_SPC"),
        ({"onBehalfOf": strangers[1].id}, "ON_BEHALF_OF_NO_COMMON_SERVICE"),
    ]
    for body, wanted in cases:
        assert code(await program.select(body)) == (FORBIDDEN, wanted), body
    spellings: list[tuple[Json, str]] = [
        ({"onBehalfOf": {"identifier": named}}, ""),
        ({"onBehalfOfUser": named}, ""),
        ({**told, "onBehalfOf": named}, ""),
        ({}, f"?onBehalfOf={named}"),
    ]
    for body, query in spellings:
        await program.begin(CONSULTANT_ADMIN.user)
        await program.select(spca)
        reply = await program.select(body, query)
        assert (reply.status_code, reply.json()["onBehalfOf"]["identifier"]) == (200, named)
        assert (await program.specialties()).status_code == 200


async def test_a003_ends_the_session_and_no_other(program: Program) -> None:
    await program.log_in(CONSULTANT)
    first = program.key
    await program.log_in(CONSULTANT)
    ended = await program.http.request("DELETE", f"{SESSIONS}/{program.key}", json={})
    assert (ended.status_code, ended.content) == (204, b"")
    assert code(await program.end()) == (FORBIDDEN, "SESSION_NOT_FOUND")
    assert code(await program.select(chosen())) == (FORBIDDEN, "SESSION_NOT_FOUND")
    assert (await program.specialties()).status_code == FORBIDDEN
    program.http.headers["HTTP_X_SESSION_KEY"] = first
    assert (await program.specialties()).status_code == 200


async def test_a_session_belongs_to_the_system_that_began_it(program: Program, on_both: Running) -> None:
    await program.log_in(CONSULTANT)
    async with on_both.service.world.for_call(entry()).begin("register another") as tx:
        stored = await tx.registers.endpoints.get(ASID)
        assert stored is not None
        await tx.registers.endpoints.add(msgspec.structs.replace(stored.value, asid="999900000777"))
    program.http.headers["XAPI_ASID"] = "999900000777"
    assert (await program.specialties()).status_code == FORBIDDEN
    assert code(await program.end()) == (FORBIDDEN, "SESSION_OF_ANOTHER_SYSTEM")


async def test_a_card_ends_its_sessions(on_both: Running) -> None:
    world = on_both.service.world

    async def act(name: str) -> str | None:
        async with world.for_call(entry()).begin(name) as tx:
            now = world.wall.now()
            if name == "insert":
                await insert_card(tx, UserId(CONSULTANT.user), now)
                return await ticket_of_card(tx, world)
            await (remove_card if name == "remove" else leave_idle)(tx, now)
            return await ticket_of_card(tx, world)

    async with programs(on_both.service) as (program,):
        for how in ("remove", "idle"):
            ticket = await act("insert")
            assert ticket is not None
            for sent in (f" {ticket}", quote(ticket, safe="")):
                assert (await program.begin_with(sent)).json()["token"] == ticket
            assert (await program.select(chosen())).status_code == 200
            assert (await program.specialties()).status_code == 200
            after = await act(how)
            assert (await program.specialties()).status_code == FORBIDDEN
            assert code(await program.end()) == (FORBIDDEN, "SESSION_NOT_FOUND")
            assert code(await program.begin_with(ticket)) == (FORBIDDEN, "TOKEN_NOT_VALID")
            assert (after is None) is (how == "remove")
            await act("remove")
    async with world.read() as tx:
        assert await tx.credentials.get(CredentialKind.CARD, "reader", dict) is None


class Hand:
    """A clock that tests move."""

    def __init__(self, now: datetime) -> None:
        """Start at `now`."""
        self.at = now

    def now(self) -> datetime:
        """Return its time."""
        return self.at


async def test_a_session_ends_after_its_idle_and_its_longest_time(on_both: Running) -> None:
    wall = Hand(on_both.service.world.wall.now())
    world = msgspec.structs.replace(on_both.service.world, wall=wall)
    legacy = on_both.service.legacy
    moved = msgspec.structs.replace(legacy, loop=msgspec.structs.replace(legacy.loop, world=always(world)))
    minute = timedelta(minutes=1)
    async with programs(moved) as (program,):
        await program.log_in(CONSULTANT)
        for _ in range(3):  # each use begins the idle time again
            wall.at += 14 * minute
            assert (await program.specialties()).status_code == 200
        wall.at += 15 * minute
        refused = await program.end()
        assert code(refused) == (FORBIDDEN, "SESSION_NOT_FOUND")
        assert "not used for 15 minutes or lasted 12 hours" in refused.json()["message"]
        await program.log_in(CONSULTANT)
        for _ in range(12 * 6 - 1):
            wall.at += 10 * minute
            assert (await program.specialties()).status_code == 200
        wall.at += 10 * minute
        assert (await program.specialties()).status_code == FORBIDDEN


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> str:
    """Return the URL of a PostgreSQL database with the demo world."""
    return postgres_server.create(postgres_template)


async def test_the_same_session_in_another_process(postgres_url: str, keys: Path) -> None:
    """Two services on one database: a session begun in one is used and ended in the other."""
    settings = settings_for(postgres_url, keys)
    async with (
        running(settings) as one,
        running(settings) as two,
        programs(one.service) as (here,),
        programs(two.service) as (there,),
    ):
        await here.log_in(CONSULTANT)
        there.http.headers["HTTP_X_SESSION_KEY"] = here.key
        assert (await there.specialties()).status_code == 200
        assert code(await there.select(chosen())) == (400, "ROLE_ALREADY_CHOSEN")
        selections = await asyncio.gather(here.begin(CONSULTANT.user), here.begin(CONSULTANT.user))
        assert {each.status_code for each in selections} == {201}
        there.http.headers["HTTP_X_SESSION_KEY"] = here.key
        both = await asyncio.gather(here.select(chosen()), there.select(chosen()))
        assert sorted(each.status_code for each in both) == [200, 400]
        assert (await there.end()).status_code == 204
        assert (await here.specialties()).status_code == FORBIDDEN
