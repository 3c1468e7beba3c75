"""The gateway's checks of callers: tokens, people and roles, on-behalf-of calls, applications, and the rate limit.

Source: rules chapters 2.2 to 2.4.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests.kit.calls.expectations import code_of, told
from tests.kit.calls.violations import BY_NAME, FUNCTION, OBO, ODS, PATHS, STU3_PATH, WRONG_FUNCTION, check
from tests.kit.service.arrangements import Moved, Stopwatch, at_time, gated, put, sent_for_triage, user_called
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, RC, Person, Running

from openers.api.rate_limit import RateLimit

pytestmark = pytest.mark.anyio
NO_TOKEN = BY_NAME["token"]


# --------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer \u00e9", "Bearer a b", "x"])
async def test_no_token_is_no_access(shared: Running, fhir: str, value: str | None) -> None:
    headers = {} if value is None else {b"Authorization": value.encode("latin-1")}
    reply = await shared.anonymous(GP.headers).get(PATHS[fhir], headers=headers)
    check(reply, NO_TOKEN, fhir)
    error = ', error="invalid_token"' if (value or "").strip().startswith("Bearer ") else ""
    assert reply.headers["www-authenticate"] == f'Bearer realm="OpenERS"{error}'


async def test_the_scheme_is_written_in_any_case(shared: Running) -> None:
    token = await shared.token(GP.user, "demo-user-app")
    client = shared.anonymous({**GP.headers, "Authorization": f"bEaReR {token}"})
    assert (await client.get(STU3_PATH)).status_code == 200


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_a_token_lives_for_ten_minutes(service: Running, fhir: str) -> None:
    wall = Moved(service.service.world.wall)
    run = at_time(service, wall=wall)
    client = await run.as_person(GP)
    wall.by = timedelta(minutes=9, seconds=58)
    assert (await client.get(PATHS[fhir])).status_code == 200
    wall.by = timedelta(minutes=10)
    check(await client.get(PATHS[fhir]), NO_TOKEN, fhir)


async def test_a_token_ends_with_its_session(service: Running) -> None:
    client = await service.as_person(GP)
    assert (await client.get(STU3_PATH)).status_code == 200
    token = client.headers["authorization"].partition(" ")[2]
    secret = {"client_id": "demo-user-app", "client_secret": "published-secret-of-demo-user-app"}
    assert (await service.pages().post("/oauth2/revoke", data={"token": token, **secret})).status_code == 200
    check(await client.get(STU3_PATH), NO_TOKEN, "STU3")


@pytest.mark.parametrize(
    ("user", "violation"), [("656005750112", "identity"), ("656005750110", "method of log-in"), ("656005750109", None)]
)
@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_people_of_the_demo_world(shared: Running, fhir: str, user: str, violation: str | None) -> None:
    client = await shared.as_person(replace(GP, user=user))
    reply = await client.get(PATHS[fhir])
    if violation is None:
        assert reply.status_code == 200
    else:
        check(reply, BY_NAME[violation], fhir)


# ----------------------------------------------------------------------------------------- organisations and roles


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_without_an_allow_list_the_organisation_is_still_needed(shared: Running, fhir: str) -> None:
    client = await shared.as_person(GP)
    reply = await client.get(PATHS[fhir], headers={ODS: ""})
    check(reply, BY_NAME["organisation missing"], fhir)
    elsewhere = await client.get(PATHS[fhir], headers={ODS: "R69"})
    assert elsewhere.status_code == 403
    assert WRONG_FUNCTION in told(elsewhere)[3]


async def test_a_role_at_another_organisation_does_not_count(shared: Running) -> None:
    """A function held at one organisation gives no access at another one."""
    person = Person("555031998104", "RCD", "REFERRING_CLINICIAN_ADMIN")
    assert (await (await shared.as_person(person)).get(STU3_PATH)).status_code == 403


async def test_a_person_who_has_left_has_no_access(service: Running) -> None:
    client = await service.as_person(GP)
    assert (await client.get(STU3_PATH)).status_code == 200
    await put(service, msgspec.structs.replace(await user_called(service, GP.user), active=False))
    check(await client.get(STU3_PATH), NO_TOKEN, "STU3")


# ----------------------------------------------------------------------------------------------------- on behalf of


@pytest.mark.parametrize(
    ("obo", "status"),
    [
        ("555031999105", 200),
        ("555032006106", 200),
        ("021600556514", 200),
        ("", 403),
        ("x", 403),
        ("999999999999", 403),
        ("555032007101", 403),  # at another organisation
        ("555073103100", 403),  # not a provider clinician
        ("555032006103", 403),  # provider admin
        ("555031990999", 403),  # has left the organisation
        ("555031998104", 403),  # the admin's own id
        ("٣٣٣٣٣٣٣٣٣٣٣٣", 403),
    ],
)
@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_an_admin_acts_for_a_clinician(shared: Running, fhir: str, obo: str, status: int) -> None:
    path = STU3_PATH if fhir == "STU3" else "/R4/ServiceRequest?identifier=000000000001"
    client = await shared.as_person(replace(CONSULTANT_ADMIN, on_behalf_of=None))
    reply = await client.get(path, headers={OBO.encode(): obo.encode()})
    assert reply.status_code == status
    if status == 403:
        assert told(reply)[1:3] == ("forbidden", "FORBIDDEN" if fhir == "STU3" else "REC_FORBIDDEN")
        assert "NHSD-eRS-On-Behalf-Of-User-ID" in told(reply)[3]


async def test_an_admin_who_names_nobody_is_refused(shared: Running) -> None:
    client = await shared.as_person(replace(CONSULTANT_ADMIN, on_behalf_of=None))
    assert (await client.get(STU3_PATH)).status_code == 403


async def test_a_clinician_without_a_workgroup_in_common_cannot_be_acted_for(service: Running) -> None:
    surgeon = await user_called(service, "555032006106")
    await put(service, msgspec.structs.replace(surgeon, workgroups=frozenset({"RCD/Surgery", "R69/Cardiology"})))
    client = await service.as_person(replace(CONSULTANT_ADMIN, on_behalf_of=surgeon.id))
    assert (await client.get(STU3_PATH)).status_code == 403


@pytest.mark.parametrize("person", [GP, CONSULTANT])
async def test_only_an_admin_acts_for_somebody(shared: Running, person: Person) -> None:
    client = await shared.as_person(replace(person, on_behalf_of="555031999105"))
    assert told(await client.get(STU3_PATH))[0::2] == (403, "FORBIDDEN")


# --------------------------------------------------------------------------------------------------- applications


@pytest.mark.parametrize("header", ["x-ers-ods-code", "x-ers-business-function", "X-ERS-User-ID"])
@pytest.mark.parametrize("path", [STU3_PATH, "/R4/HealthcareService?_id=11001", "/R4/Nothing", "/STU3/Nothing"])
async def test_an_application_may_not_send_what_the_gateway_sets(shared: Running, path: str, header: str) -> None:
    client = await shared.as_application("demo-referrer-app")
    reply = await client.get(path, headers={header: "RCD"})
    assert (reply.status_code, reply.content) == (403, b"")
    person = await shared.as_person(GP)
    assert (await person.get(STU3_PATH, headers={header: "RCD"})).status_code == 200


async def test_an_application_acts_as_it_is_registered(shared: Running) -> None:
    """The headers of an application do not change its organisation or function. It cannot read a referral of R69."""
    ubrn = await sent_for_triage(shared)
    client = await shared.as_application("demo-provider-app")
    claimed = {ODS: "R69", FUNCTION: RC}
    assert (await client.get(f"/STU3/ReferralRequest/{ubrn}", headers=claimed)).status_code == 200
    elsewhere = await sent_for_triage(shared, "11005")
    reply = await client.get(f"/STU3/ReferralRequest/{elsewhere}", headers={ODS: "R69"})
    assert code_of(reply) == "NO_RELATIONSHIP"


# ------------------------------------------------------------------------------------------------------ rate limit


def test_the_rate_limit_refills_steadily() -> None:
    watch = Stopwatch()
    limit = RateLimit(2, watch)
    assert [limit.admits("a") for _ in range(3)] == [True, True, False]
    assert limit.admits("b"), "each application has its own"
    watch.seconds = 0.4
    assert not limit.admits("a")
    watch.seconds = 0.5
    assert [limit.admits("a") for _ in range(2)] == [True, False]
    watch.seconds = 100
    assert [limit.admits("a") for _ in range(3)] == [True, True, False]


def test_a_limit_below_one_a_second_lets_one_through() -> None:
    watch = Stopwatch()
    limit = RateLimit(0.5, watch)
    assert [limit.admits("a") for _ in range(2)] == [True, False]
    watch.seconds = 1.9
    assert not limit.admits("a")
    watch.seconds = 2.0
    assert limit.admits("a")


def test_no_limit_is_none() -> None:
    limit = RateLimit(0, Stopwatch())
    assert all(limit.admits("a") for _ in range(1000))


@pytest.mark.parametrize("fhir", ["STU3", "R4"])
async def test_the_third_call_within_a_second_is_too_many(service: Running, fhir: str) -> None:
    watch = Stopwatch()
    run = gated(service, limit=RateLimit(2, watch))
    client = await run.as_person(GP)
    replies = [await client.get(PATHS[fhir]) for _ in range(3)]
    assert [each.status_code for each in replies] == [200, 200, 429]
    check(replies[2], BY_NAME["rate"], fhir)
    assert int(replies[2].headers["retry-after"]) >= 1
    other = await run.as_application("demo-referrer-app")
    assert (await other.get(PATHS[fhir])).status_code == 200, "the limit is for each application"
    same = await run.as_person(replace(GP, user="021600556514"))
    assert (await same.get(PATHS[fhir])).status_code == 429, "and not for each person"
    watch.seconds = 1
    assert (await client.get(PATHS[fhir])).status_code == 200
