"""Exchanges are read from logs and HAR files, in order, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from openers.domain.exchanges.exchange import Exchange as Logged
from openers.domain.identifiers import NHS_NUMBER_IN_TEXT
from openers_assurance import Assessment, Exchange, UnreadableLog, har, history, in_order, read_har, read_ndjson
from tests.assurance.traces import START

BASE: Final = "https://ers.example/base/referrals/FHIR"


def _entry(method: str, path: str, status: int = 200, **more: Any) -> dict[str, Any]:
    """Return an entry of a HAR file."""
    sent = [{"name": name, "value": value} for name, value in more.get("sent", {"Authorization": "Bearer x"}).items()]
    told = [{"name": name, "value": value} for name, value in more.get("told", {}).items()]
    url = f"{more.get('base', BASE)}{path}"
    request = {"method": method, "url": url, "headers": sent, "postData": {"text": more.get("text", "")}}
    response = {"status": status, "headers": told, "content": {"size": 7, "text": more.get("reply", "")}}
    return {"startedDateTime": "2026-03-02T09:00:00.000Z", "time": 12.5, "request": request, "response": response}


def _har(*entries: dict[str, Any]) -> list[Exchange]:
    return list(read_har(msgspec.json.encode({"log": {"version": "1.2", "entries": entries}})))


def test_a_har_file_has_the_facts_of_the_log() -> None:
    """Operation, role, version, UBRN and code come from addresses, headers and bodies; other addresses are left out."""
    role = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    refusal = '{"issue": [{"details": {"coding": [{"code": "RESOURCE_CONFLICT"}]}}]}'
    path = "/STU3/ReferralRequest/000000070000"
    read, cancelled, booked, slots = _har(
        _entry("GET", path, sent={"authorization": "Bearer x", **role}, told={"ETag": 'W/"5"', "X-Request-ID": "r1"}),
        _entry("POST", f"{path}/$ers.cancelReferral", 409, sent={"If-Match": 'W/"4"'}, reply=refusal),
        _entry("POST", "/STU3/Appointment", 201, text='{"reference": "ReferralRequest/000000070000"}'),
        _entry("GET", "/STU3/Slot?page=2&patient=9990000018&_count=5"),
        _entry("GET", "/../../other"),
        _entry("GET", "/STU3/Unknown"),
    )
    assert (read.op, read.ubrn, read.etag, read.org, read.request_id) == (
        "A005",
        "000000070000",
        'W/"5"',
        "D82106",
        "r1",
    )
    assert (cancelled.op, cancelled.if_match, cancelled.outcome_code) == ("A036", 'W/"4"', "RESOURCE_CONFLICT")
    assert (booked.op, booked.ubrn) == ("A016", "000000070000")
    assert (slots.op, slots.parameters) == ("A015", "page=2,patient,_count=5")
    assert "Bearer" not in str(read)


def _old(method: str, path: str, status: int = 200, header: str = "HTTP_X_SESSION_KEY", **more: Any) -> dict[str, Any]:
    """Return an entry of the API of 2018 in a session, at the base of the service."""
    sent = {"Xapi_Asid": "200000000001", **({header: KEY} if header else {})}
    return _entry(method, path, status, sent=sent, base="https://ers.example/ers-api/v1", **more)


KEY: Final = "pro-xapi-session_1"
_SESSION: Final = f"/ProfessionalSession/{KEY}"
_PERMISSION: Final = '{"permission": {"businessFunction": "REFERRING_CLINICIAN", "orgIdentifier": "D82106"}}'
BEGIN: Final = _old("POST", "/ProfessionalSession", 201, "", reply=f'{{"id": "{KEY}", "user": {{"identifier": "1"}}}}')
SELECT: Final = _old("PUT", _SESSION, text=_PERMISSION, reply="{}")
READ: Final = _old("GET", "/ReferralRequest/000000070000")
CLINICIAN: Final = (
    ("", _PERMISSION.replace("REFERRING_CLINICIAN", "SERVICE_PROVIDER_CLINICIAN_ADMIN")),
    ("?onBehalfOf=555032006106", ""),
)
END: Final = _old("DELETE", _SESSION, 204)
_REFUSAL: Final = '{"issue": [{"details": {"coding": [{"code": "SESSION_NOT_FOUND"}]}}]}'
GONE: Final = _old("GET", "/ReferralRequest/000000070000", 403, reply=_REFUSAL)


@pytest.mark.parametrize(
    ("entries", "states"),
    [
        ([BEGIN, SELECT, READ, END], {"A005-01": "met", "A002-01": "met", "A003-02": "met", "AUT-001": "not seen"}),
        ([BEGIN, SELECT, READ], {"A005-01": "met", "A003-02": "not met"}),
        ([READ, END], {"A005-01": "not seen", "A003-02": "not applicable"}),
        *(([BEGIN, SELECT, _old("GET", "/ReferralRequest/000000070000", header=name)], {"A005-01": "met"})
          for name in ("http-x-session-key", "X-Session-Key", "X_SESSION_KEY")),
        ([BEGIN, _old("PUT", _SESSION, 403, reply='{"code": "PERMISSION_NOT_HELD"}')], {"A002-01": "not met"}),
        ([BEGIN, SELECT, GONE], {"AUT-004": "not met"}),
        ([BEGIN, *(_old("PUT", f"{_SESSION}{asked}", text=each) for asked, each in CLINICIAN)], {"A002-02": "met"}),
    ],
)  # fmt: skip
def test_sessions_of_2018_are_read_from_their_bodies(entries: list[dict[str, Any]], states: dict[str, str]) -> None:
    """Headers have the key only: A001 and A002 tell the role. What a file does not show is neither met nor broken."""
    assessment = Assessment()
    calls = _har(*({**each, "startedDateTime": f"2026-03-02T09:00:{s:02}Z"} for s, each in enumerate(entries)))
    for call in calls:
        assessment.add(call)
    rows = {row.id: row for row in assessment.rows(final=True)}
    assert {id: rows[id].state for id in states} == states
    assert KEY not in str(calls)


def test_exchanges_have_members_of_the_log() -> None:
    """Names and types of what rules read are those of the service's log; both mask the same numbers of patients."""
    read, logged = (
        {each.encode_name: each.type for each in msgspec.structs.fields(kind) if each.name != "ts"}
        for kind in (Exchange, Logged)
    )
    assert read.items() <= logged.items()
    assert har.NHS_NUMBER == NHS_NUMBER_IN_TEXT


def test_a_har_file_tells_no_secrets() -> None:
    """Keys of sessions and numbers of patients are masked in paths."""
    entries = [_old("PUT", _SESSION), _entry("GET", "/STU3/ReferralRequest/999%20000%200018")]
    assert [each.path for each in _har(*entries)] == [
        "/ers-api/v1/ProfessionalSession/{sessionKey}",
        "/base/referrals/FHIR/STU3/ReferralRequest/{nhsNumber}",
    ]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"log": {"entries": [{}]}}', b"\xff", b'{"log": {"entries": 5}}']
)
def test_other_files_are_no_har_files(content: bytes) -> None:
    """The error says what is wrong and how to make a HAR file."""
    with pytest.raises(UnreadableLog, match="no HAR file"):
        list(read_har(content))


@pytest.mark.parametrize(
    "line", [b"x", b"{}", b'{"ts": 5}', b"[1]", b"\xff", b'{"ts":"2026-03-02T09:00:00Z","status":"x"}']
)
def test_a_wrong_line_is_named(line: bytes) -> None:
    """The error names the line and the cure; a line that is too long is not parsed."""
    good = b'{"ts":"2026-03-02T09:00:00Z","status":200}\n'
    with pytest.raises(UnreadableLog, match="line 3 is no exchange"):
        list(read_ndjson([good, b"\n", line]))
    with pytest.raises(UnreadableLog, match="line 1 has more than"):
        list(read_ndjson([good + b" " * 70_000]))


def test_exchanges_are_sorted_by_their_beginning() -> None:
    """Calls are logged when they end, by several processes; a time without zone is UTC."""
    seconds = [5, 1, 3, 2, 40, 38, 41]
    lines = [f'{{"ts":"2026-03-02T09:00:{each:02}","status":200}}' for each in seconds]
    assert [each.ts.second for each in in_order(read_ndjson(lines))] == sorted(seconds)


def _stream(count: int) -> Iterator[str]:
    """Yield the lines of a busy product: many requests, users and sessions."""
    for number in range(count):
        ts = (START + timedelta(milliseconds=20 * number)).isoformat()
        op, method = (("A005", "GET"), ("A034", "POST"), ("A008", "POST"), ("A015", "GET"))[number % 4]
        yield (
            f'{{"ts":"{ts}","op":"{op}","method":"{method}","path":"/x/{number}",'
            f'"status":{(200, 200, 429, 409)[number % 4]},'
            f'"asid":"20000000000{number % 3}","user":"55500000{number % 5000:04}","sessionId":"s{number % 9000}",'
            f'"function":"F","org":"O","ubrn":"{number:012}","etag":"W/\\"1\\"","generation":"STU3","durationMs":30.5,'
            f'"parameters":"page={number % 7}"}}'
        )


def _assessed(lines: Iterator[str]) -> Assessment:
    assessment = Assessment()
    for each in in_order(read_ndjson(lines)):
        assessment.add(each)
    return assessment


def test_memory_does_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as many exchanges, all of other requests, need about as much memory."""
    monkeypatch.setattr(history, "MOST", 100)
    _assessed(_stream(10))
    peaks: list[int] = []
    for count in (1_000, 3_000):
        tracemalloc.start()
        assert _assessed(_stream(count)).count == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
