"""Each caller gets the expected status from each operation, and successful replies have the required headers."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest
from tests.api.roles import COLUMNS, cells
from tests.kit.calls.expectations import (
    BY_NAME,
    OPERATIONS,
    REQUEST_ID,
    Expected,
    check_headers,
    check_refusal,
    with_referrer,
)
from tests.kit.referrals.stage import Stage
from tests.kit.service.arrangements import put
from tests.kit.service.running import GP, SPCA, Person, Running

from openers.api.registry import all_operations
from openers.domain.credentials import AccessMode, Application
from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction

pytestmark = pytest.mark.anyio

PEOPLE = {column: f"7000000000{index:02d}" for index, column in enumerate(COLUMNS)}
ODD_CORRELATION = 'a b;c,"d" \\e/{f}~%20<g>\'=?'


@dataclass
class Arranged:
    """A service with a caller for each column, and the records that operations are called on."""

    run: Running
    stage: Stage
    clients: dict[str, httpx.AsyncClient]


@pytest.fixture(scope="module")
async def arranged(shared: Running, stage: Stage) -> Arranged:
    await put(shared, *(_user(column) for column in COLUMNS), *(_application(each) for each in ("PAA", "RAA", "AA")))
    clients = {column: await shared.as_person(_person(column)) for column in COLUMNS}
    for column in ("PAA", "RAA", "AA"):
        clients[f"app{column}"] = await shared.as_application(f"test-{column}")
    clients["none"] = shared.anonymous(GP.headers)
    return Arranged(shared, stage, clients)


def _organisation(column: str) -> str:
    return "RCD" if column in ("SPC", "SPCA", "SPA", "PAA") else "D82106"


def _user(column: str) -> User:
    roles = tuple(Role(OdsCode(ods), (BusinessFunction(COLUMNS[column]),)) for ods in ("D82106", "RCD"))
    return User(UserId(PEOPLE[column]), column, roles, frozenset({"RCD/Cardiology"}))


def _person(column: str) -> Person:
    function = COLUMNS[column]
    return Person(PEOPLE[column], _organisation(column), function, "555031999105" if function == SPCA else None)


def _application(column: str) -> Application:
    return Application(
        client_id=f"test-{column}",
        name=column,
        mode=AccessMode.APPLICATION_RESTRICTED,
        asid="1",
        organisation=OdsCode(_organisation(column)),
        function=BusinessFunction(COLUMNS[column]),
        user=UserId("555900000199"),
    )


async def _called(arranged: Arranged, expected: Expected, column: str) -> httpx.Response:
    client = arranged.clients[column]
    leave_out: dict[str, str] = {"NHSD-eRS-On-Behalf-Of-User-ID": ""} if expected.number == "A040" else {}
    if expected.number == "A030":  # A030 needs no organisation and no function
        leave_out = dict.fromkeys(("NHSD-End-User-Organisation-ODS", "NHSD-eRS-Business-Function"), "")
    body = with_referrer(expected.body, GP.user) if column == "RCA" and expected.names_a_referrer else expected.body
    changed = {} if body is None else {"json": body}
    return await expected.call(client, arranged.stage, leave_out, **changed)


def test_the_service_has_these_operations_and_no_others() -> None:
    assert sorted((each.id, each.method, each.path) for each in all_operations()) == sorted(
        {(each.number, each.method, each.template) for each in OPERATIONS}
    )


def test_every_function_is_in_the_table() -> None:
    assert sorted(COLUMNS.values()) == sorted(BusinessFunction)


@pytest.mark.parametrize(("name", "column", "status"), list(cells()))
async def test_a_role_may_call_what_the_rules_say(arranged: Arranged, name: str, column: str, status: int) -> None:
    expected = BY_NAME[name]
    reply = await _called(arranged, expected, column)
    assert reply.status_code == status, reply.text
    if status >= 400:
        check_refusal(reply, expected.fhir)


@pytest.mark.parametrize("name", BY_NAME)
async def test_a_function_must_be_held_where_the_header_says(arranged: Arranged, name: str) -> None:
    """A caller is rejected at an organisation where they do not hold the function, except by A030."""
    expected = BY_NAME[name]
    column = expected.who
    elsewhere = {"NHSD-End-User-Organisation-ODS": "B86011"}
    reply = await expected.call(arranged.clients[column], arranged.stage, elsewhere)
    assert reply.status_code == (200 if name == "A030" else 403)


@pytest.mark.parametrize("function", ["", "NO_SUCH_FUNCTION", "referring_clinician", "SERVICE_PROVIDER_CLINICIAN"])
@pytest.mark.parametrize("name", BY_NAME)
async def test_a_function_that_is_not_held_is_refused(arranged: Arranged, name: str, function: str) -> None:
    expected = BY_NAME[name]
    sent = {"NHSD-eRS-Business-Function": function}
    if function == "SERVICE_PROVIDER_CLINICIAN" and expected.who == "SPC":
        sent["NHSD-eRS-Business-Function"] = "REFERRING_CLINICIAN"
    reply = await expected.call(arranged.clients[expected.who], arranged.stage, sent)
    assert reply.status_code == (200 if name == "A030" else 403)


@pytest.mark.parametrize("correlation", ["11C46F5F-CDEF-4865-94B2-0EE0EDCC26DA", ODD_CORRELATION, "x" * 256])
@pytest.mark.parametrize("name", BY_NAME)
async def test_a_success_has_its_headers(arranged: Arranged, name: str, correlation: str) -> None:
    expected = BY_NAME[name]
    column = expected.who
    reply = await expected.call(arranged.clients[column], arranged.stage, {"X-Correlation-ID": correlation})
    check_headers(reply, expected, correlation)


@pytest.mark.parametrize("name", BY_NAME)
async def test_ids_of_a_refusal_are_there_too(arranged: Arranged, name: str) -> None:
    sent = {"X-Correlation-ID": ODD_CORRELATION, "X-Request-ID": "the caller's own"}
    reply = await BY_NAME[name].call(arranged.clients["none"], arranged.stage, sent)
    assert reply.status_code == 401
    assert reply.headers["x-correlation-id"] == ODD_CORRELATION
    assert REQUEST_ID.fullmatch(reply.headers["x-request-id"])


async def test_request_ids_differ_and_no_correlation_id_is_made_up(arranged: Arranged) -> None:
    client = arranged.clients["RC"]
    replies = [await client.get("/STU3/CodeSystem/PRIORITY") for _ in range(5)]
    assert len({each.headers["x-request-id"] for each in replies}) == 5
    assert all("x-correlation-id" not in each.headers for each in replies)
