"""No address of the API of 2018 shows or changes a record of others, and none fails for any input."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any, Final, cast
from urllib.parse import quote

import pytest

from openers.api.legacy.registry import LEGACY, facade
from tests.kit.referrals.cast import GP_ELSEWHERE, Cast
from tests.kit.referrals.words import LETTER, VALID, request_of
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import CONSULTANT, CONSULTANT_ELSEWHERE, GP, PROVIDER_ADMIN, Person
from tests.legacy.client import Json, Program, chosen, programs
from tests.legacy.test_alpha import SEARCH, file, letter, parameters, referral
from tests.legacy.test_provider import REVIEWS, files_of

pytestmark = pytest.mark.anyio
ACTS: Final = ("A012", "A013", "A014", "A028")
CALLS: Final = 2500
WHOLE: Final[tuple[Json, ...]] = (
    chosen(), {**chosen(), "token": "x"}, {"onBehalfOf": {"identifier": "021600556514"}}, parameters(dict(SEARCH)),
    referral("11002"), letter(attachmentsToInsert=[file("a.txt", "A")], attachmentsToRetain=[{"value": "1"}]),
    parameters({"reason": "OTHER", "comment": "x"}), REVIEWS,
)  # fmt: skip
NASTY: Final = (
    "", " ", "0", "-1", "att-1-1", "att-0-0", "att-999999999999-1", "000000000000", "999999999999", "\u00e9", "%00",
    "..", "$ers.accept", "'", '"', "x" * 300, "SPECIALTY", "A" * 5000, "_history", "1;2", "null", "pro-xapi-session_x",
)  # fmt: skip
BODIES: Final = (
    b"", b"{}", b"[]", b"null", b"7", b'""', b"{", b'{"parameter":null}', b'{"parameter":7}', b'{"parameter":[null]}',
    b'{"parameter":[{"name":null}]}', b'{"parameter":[{"name":"listType"}]}', b'{"token":"\\ud800"}', b'{"token":{}}',
    b'{"parameter":[{"name":"listType","valueCodeableConcept":7}]}', b'{"token":"%ff%00 x x x"}', b"\xff\xfe",
    b'{"permission":{"businessFunction":[],"orgIdentifier":{}}}', b'{"onBehalfOf":[1]}', b'{"shortlist":7}',
    b'{"parameter":[{"name":"attachmentsToInsert","resource":{"entry":[{"data":"AA==","title":1}]}}]}',
    b'{"parameter":[{"name":"attachmentsToInsert","resource":{"entry":7}}]}', b'{"searchCriteria":{"parameter":{}}}',
    b'{"parameter":[{"name":"priority","valueString":7}]}', b"[" * 200, b'{"a":' * 100, b'{"extension":7}',
    b'{"parameter":[{"name":"reason","valueCodeableConcept":{"coding":[7]}}]}',
    b'{"searchCriteria":{},"extension":[7]}',
)  # fmt: skip


@pytest.mark.parametrize("who", [GP_ELSEWHERE, CONSULTANT_ELSEWHERE], ids=["referrer", "provider"])
async def test_a_stranger_sees_and_changes_nothing(who: Person, cast: Cast) -> None:
    """Sweep every address with a UBRN or a file, in each generation, as a stranger with the right function."""
    referral = await cast.with_letter(await cast.booked(LETTER))
    ubrn, version = str(referral["id"]), {"If-Match": f'W/"{referral["meta"]["versionId"]}"'}
    (name,) = await files_of(cast, ubrn)
    number = next(each["id"] for each in referral["contained"] if each["resourceType"] == "DocumentReference")
    old = f"att-{int(ubrn)}-{number.removeprefix('DocumentReference-')}"
    before = await cast.rows()
    async with programs(cast.rig.run.service) as (program,):
        await program.log_in(who)
        http = program.http
        swept = 0
        for operation in (each.operation for each in (*LEGACY, *facade())):
            if "{ubrn}" not in operation.path and "{id}" not in operation.path and "CRI" not in operation.path:
                continue
            path = operation.path.replace("{ubrn}", ubrn).replace("{version}", version["If-Match"][3:-1])
            path = path.replace("{id}", name if "STU3" in path else old)
            body: Json | None = None if operation.method == "GET" else body_of(operation.id, path, referral)
            query = {"UBRN": ubrn} if operation.path.endswith("/Binary/$ers.generateCRI") else {}
            reply = await http.request(operation.method, path, json=body, params=query, headers=version)
            assert reply.status_code in (403, 404, 422), (operation.path, reply.text)
            assert PATIENT not in reply.text
            swept += 1
        focus = {"focus": f"ReferralRequest/{ubrn}/_history/1", "intent": "proposal", "status": "ready"}
        assert (await http.get("/STU3/v1/Task", params=focus)).status_code in (403, 422)
        listed = await http.post("/v1/ReferralRequest/$ers.fetchworklist", json=REVIEWS)
        assert ubrn not in listed.text
    assert swept > 20
    assert await cast.rows() == before


def body_of(number: str, path: str, referral: Json) -> Json:
    """Return a valid body of an operation."""
    if not path.startswith("/STU3/"):
        return letter(attachmentsToInsert=[file("a.txt", "A")]) if number == "A012" else parameters({"reason": "OTHER"})
    if number not in ACTS or number == "A013":
        return {}
    body: Json = request_of(number, referral, *VALID[number])["json"]
    return body


async def test_no_input_makes_the_service_fail(cast: Cast) -> None:
    """Send random methods, addresses, headers and bodies to every path, in a session of each kind."""
    paths = [each.operation.path for each in (*LEGACY, *facade())]
    dice = random.Random(2018)
    async with programs(cast.rig.run.service, 4) as made:
        for program, who in zip(made, (GP, CONSULTANT, PROVIDER_ADMIN), strict=False):
            await program.log_in(who)
        await made[-1].begin(GP_ELSEWHERE.user)  # without a role, so that bodies of A002 are read to their end
        for _ in range(CALLS):
            await fuzzed(dice, dice.choice(made), dice.choice(paths))


def keys_of(node: Any) -> list[Any]:
    """Return the keys of an object, or the positions of a list."""
    return list(cast("dict[str, Any]", node)) if isinstance(node, dict) else list(range(len(node)))


def spoilt(dice: random.Random) -> bytes:
    """Return a valid body in which one value, at any depth, is of another kind."""
    body = deepcopy(dice.choice(WHOLE))
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [body]
    while waiting:
        node = waiting.pop()
        found = [(node, at) for at in keys_of(node)]
        places += found
        waiting += [node[at] for _, at in found if isinstance(node[at], dict | list)]
    node, at = dice.choice(places)
    wrong: list[Any] = [None, 7, True, "", "\x00", "x" * 3000, [], {}, [[]], [{}], {"url": []}]
    node[at] = dice.choice(wrong)
    return json.dumps(body).encode()


async def fuzzed(dice: random.Random, program: Program, path: str) -> None:
    """Send one random request, which must not fail."""
    for name in ("{ubrn}", "{id}", "{version}", "{codeSystemType}", "{sessionKey}"):
        value = program.key if name == "{sessionKey}" and dice.randrange(4) else dice.choice(NASTY)
        path = path.replace(name, quote(value, safe="$"))
    method = dice.choice(("GET", "POST", "POST", "PUT", "DELETE", "HEAD", "PATCH"))
    headers = {"If-Match": dice.choice(('W/"1"', "1", 'W/"x"')), "Content-Type": dice.choice(("", "text/xml", "a;;"))}
    if not dice.randrange(5):
        headers[dice.choice(("XAPI_ASID", "HTTP_X_SESSION_KEY", "XAPI_FQDN"))] = quote(dice.choice(NASTY)[:200])
    query = {dice.choice(("UBRN", "onBehalfOf", "focus", "_count")): dice.choice(NASTY)}
    body = spoilt(dice) if dice.randrange(2) else dice.choice(BODIES)
    reply = await program.http.request(method, path, headers=headers, params=query, content=body)
    assert reply.status_code < 500, (method, path, headers, query, body, reply.text)
