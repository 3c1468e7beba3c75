"""Every kind of call, successful or not, has an audit entry, request id, correlation id and status.

Each kind of failure is tested with FHIR, OAuth, signed files, notifications and test control. Source: ADR 0049.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.api.every_call import CORRELATION, KINDS, Answer, Desk, Kind, raising
from tests.kit.calls.expectations import REQUEST_ID
from tests.kit.service.running import copied
from tests.kit.service.worlds import rig
from tests.kit.store.outside import audit_entries

from openers.domain.errors import NotFound, PasCall, PasRespondedWithError, RecordLocked, Unavailable
from openers.domain.fields import Field
from openers.telemetry.formats import LogFormat
from openers.telemetry.logs import configure

pytestmark = pytest.mark.anyio
Json = dict[str, Any]

GONE = 499
"""The outcome in the audit when the client has disconnected. No reply carries this status."""
REFUSED = {"FHIR": 401, "OAuth": 400, "files": 403, "notifications": 401, "control": 404}
FAILURES: dict[str, tuple[Exception, dict[str, int]]] = {
    "the record is locked": (
        RecordLocked(),
        {"FHIR": 423, "OAuth": 503, "files": 423, "notifications": 503, "control": 503},
    ),
    "there is no such record": (
        NotFound(Field.REFERRAL, "000000000001"),
        {"FHIR": 404, "OAuth": 400, "files": 404, "notifications": 404, "control": 404},
    ),
    "something behind it failed": (
        PasRespondedWithError(PasCall.BOOK, "1", "000000000001"),
        {"FHIR": 502, "OAuth": 503, "files": 502, "notifications": 502, "control": 503},
    ),
    "the store is away": (
        Unavailable("store"),
        {"FHIR": 503, "OAuth": 503, "files": 503, "notifications": 503, "control": 503},
    ),
    "nobody foresaw it": (
        RuntimeError("a secret of the service"),
        {"FHIR": 500, "OAuth": 500, "files": 500, "notifications": 500, "control": 500},
    ),
}
CASES = [(kind, failure) for kind in KINDS for failure in FAILURES]


@pytest.fixture(autouse=True)
def log() -> io.StringIO:
    """Return the log of the service, in the format of production."""
    written = io.StringIO()
    configure(LogFormat.JSON, stream=written)
    return written


@pytest.fixture(scope="module")
async def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> AsyncGenerator[Desk]:
    """Run one service for the module. Each test checks only its own call."""
    async with rig(copied(sqlite_template, tmp_path_factory.mktemp("calls")), keys) as made:
        desk = Desk(made)
        await desk.log_in()
        yield desk


async def last_entry(desk: Desk) -> Json:
    """Return the last audit entry."""
    return (await audit_entries(desk.url))[-1]


def check_traces(answer: Answer, status: int) -> None:
    """Check the status, request id and correlation id of a reply."""
    assert answer.status == status, answer.body
    assert REQUEST_ID.fullmatch(answer.headers.get("x-request-id", "")), answer.headers
    assert answer.headers.get("x-correlation-id") == CORRELATION
    assert b"secret of the service" not in answer.body


async def check_entry(desk: Desk, answer: Answer, status: int) -> None:
    """Check the audit entry of a call that got a reply."""
    entry = await last_entry(desk)
    assert (entry["request_id"], entry["correlation_id"]) == (answer.headers["x-request-id"], CORRELATION)
    assert entry["outcome"] == status
    assert entry["code"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_refusal(desk: Desk, kind: Kind) -> None:
    answer = await desk.send(kind.refused)
    check_traces(answer, REFUSED[kind.name])
    await check_entry(desk, answer, REFUSED[kind.name])


@pytest.mark.parametrize(("kind", "failure"), CASES, ids=lambda each: getattr(each, "name", each))
async def test_a_failure(desk: Desk, kind: Kind, failure: str) -> None:
    error, statuses = FAILURES[failure]
    async with desk.failing(raising(error)):
        answer = await desk.send(kind.good)
    check_traces(answer, statuses[kind.name])
    await check_entry(desk, answer, statuses[kind.name])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_an_unforeseen_failure_has_an_id_that_the_log_has_too(desk: Desk, kind: Kind, log: io.StringIO) -> None:
    async with desk.failing(raising(RuntimeError("a secret of the service"))):
        answer = await desk.send(kind.good)
    assert answer.headers["x-request-id"].encode() in answer.body
    assert answer.headers["x-request-id"] in log.getvalue()


@pytest.mark.parametrize("error", [Unavailable("store"), OSError("the disk is full"), RuntimeError("nobody knows")])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_refusal_that_cannot_be_recorded(desk: Desk, kind: Kind, error: Exception) -> None:
    """If the audit cannot store its entry, the service returns 503 and records nothing."""
    before = len(await audit_entries(desk.url))
    async with desk.failing(raising(None), raising(error)):
        answer = await desk.send(kind.refused)
    check_traces(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert len(await audit_entries(desk.url)) == before


@pytest.mark.parametrize("kind", [each for each in KINDS if each.name != "files"], ids=lambda kind: kind.name)
async def test_a_client_that_goes_away(desk: Desk, kind: Kind) -> None:
    """A client that disconnects in the middle of its body gets no reply, but the call has an audit entry.

    `tests/blobs/test_reader_gone.py` covers file downloads.
    """
    half = {"type": "http.request", "body": kind.long.body[:1], "more_body": True}
    scope = desk.scope(kind.long)
    answer = await desk.call(scope, [half, {"type": "http.disconnect"}])
    assert answer.status == 0
    entry = await last_entry(desk)
    assert (entry["outcome"], entry["code"], entry["correlation_id"]) == (GONE, "CLIENT_GONE", CORRELATION)
    assert entry["request_id"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_correlation_id_is_bounded(desk: Desk, kind: Kind) -> None:
    """The service rejects a longer correlation id, and neither stores nor returns a shortened one."""
    scope = desk.scope(kind.refused)
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"x-correlation-id"]
    scope["headers"].append((b"x-correlation-id", b"x" * 1000))
    answer = await desk.call(scope, [{"type": "http.request", "body": kind.refused.body, "more_body": False}])
    assert (answer.status, "x-correlation-id" in answer.headers) == (400, False)
    assert (await last_entry(desk)).get("correlation_id", "") == ""
    if kind.name in ("files", "notifications"):
        [coding] = json.loads(answer.body)["issue"][0]["details"]["coding"]
        assert coding == {"system": "https://fhir.nhs.uk/CodeSystem/http-error-codes", "code": "REC_BAD_REQUEST"}
