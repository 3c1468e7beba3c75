"""What comes from a browser: forms, their tokens, return addresses, cursors; and what goes out as CSV and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from openers_web.addresses import BadCursor, own_path, read_cursor, write_cursor
from openers_web.csrf import Forged, FormTokens, check_origin
from openers_web.csv_files import csv_text, guarded
from openers_web.event_stream import Event, event_response, event_text
from openers_web.form import MOST_FIELDS, BadForm, Form, parse_form

TOKENS = FormTokens(b"k" * 32)


def test_a_form_token_belongs_to_one_session() -> None:
    token = TOKENS.token("session-1")
    TOKENS.check("session-1", token)
    assert token != TOKENS.token("session-1")
    for session, sent in (("session-2", token), ("session-1", ""), ("session-1", "0" * 80), ("", token)):
        with pytest.raises(Forged):
            TOKENS.check(session, sent)
    with pytest.raises(Forged):
        FormTokens(b"q" * 32).check("session-1", token)


@pytest.mark.parametrize(
    ("method", "headers", "is_ours"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "none"}, True),
        ("POST", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("DELETE", {"sec-fetch-site": "cross-site", "origin": "http://our.example:8003"}, False),
        ("POST", {"origin": "http://our.example:8003"}, True),
        ("POST", {"origin": "http://our.example:8000"}, False),
        ("POST", {"origin": "http://foreign.example"}, False),
        ("POST", {"origin": "null"}, False),
        ("POST", {}, True),
    ],
)
def test_a_change_must_come_from_our_own_page(method: str, headers: Mapping[str, str], is_ours: bool) -> None:
    if is_ours:
        check_origin(method, headers, "our.example:8003")
    else:
        with pytest.raises(Forged):
            check_origin(method, headers, "our.example:8003")


@pytest.mark.parametrize(
    "text",
    [
        *("//foreign.example", "https://foreign.example", "/\\foreign.example", "\\\\foreign.example", "javascript:x"),
        *("/\tx", "/x\r\nlocation: y", "", "x", "/\u2215foreign.example", "///foreign.example", "/" + "x" * 3000),
    ],
)
def test_no_return_address_leads_to_another_host(text: str) -> None:
    assert own_path(text, "/start") == "/start"


@pytest.mark.parametrize("path", ["/", "/worklists?state=new&page=2#row-3", "/as/RCD.ROLE/referral/000012345678"])
def test_a_path_of_ours_is_returned_to(path: str) -> None:
    assert own_path(path) == path


def test_a_cursor_is_read_as_what_it_was() -> None:
    assert read_cursor(write_cursor(("2026-08-01", 12)), tuple[str, int]) == ("2026-08-01", 12)
    for text in ("", "x", "ä", "%%", write_cursor({"a": 1}), "WzEs", "W" * 5000):
        with pytest.raises(BadCursor):
            read_cursor(text, tuple[str, int])


def test_a_form_shows_what_was_sent_and_what_is_wrong() -> None:
    form = parse_form(b"reason=+too+late+&kind=a&kind=b&form_token=x&empty=")
    assert form.text("reason") == "too late"
    assert form.texts("kind") == ("a", "b")
    assert form.required("empty", "Enter a date") == ""
    form.required("reason", "Enter a reason", at_most=3)
    form.reject("reason", "the second error of a field is not shown")
    assert form.errors == {"empty": "Enter a date", "reason": "Use at most 3 characters. There are 8"}
    assert form.field("empty", "Date", otherwise="1 May").error == "Enter a date"
    assert form.field("reason", "Reason").value == "too late"
    assert Form().field("date", "Date", otherwise="1 May").value == "1 May"
    assert ("form_token", "x") not in form.pairs


@pytest.mark.parametrize("body", [b"\xff=1", b"a=%ff", b"a=1&" * (MOST_FIELDS + 1)])
def test_a_body_that_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadForm) as refused:
        parse_form(body)
    assert refused.value.status == 400


@pytest.mark.parametrize("text", ["=1+1", "+44", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_a_spreadsheet_runs_no_cell(text: str) -> None:
    assert guarded(text) == f"'{text}"


def test_csv_keeps_numbers_and_quotes_text() -> None:
    assert csv_text(("Name", "Days"), [('Ros "R" Wood', -3), ("=1", None)]) == (
        '\ufeffName,Days\r\n"Ros ""R"" Wood",-3\r\n\'=1,\r\n'
    )


def test_an_event_cannot_break_out_of_its_lines() -> None:
    assert (
        event_text(Event("a\nid: 9\r\nb\rc", id="1\ndata: x"))
        == "id: 1data: x\ndata: a\ndata: id: 9\ndata: b\ndata: c\n\n"
    )


@pytest.mark.anyio
async def test_events_end_with_their_source_and_show_that_the_stream_lives() -> None:
    answers: list[Sequence[Event] | None] = [[Event("one", id="1"), Event("two", id="2")], [], None]

    async def source(wait_s: float) -> Sequence[Event] | None:
        assert wait_s == 3
        return answers.pop(0)

    sent = [chunk async for chunk in event_response(source, heartbeat_s=3).body_iterator]
    assert sent == [b": open\n\n", b"id: 1\ndata: one\n\nid: 2\ndata: two\n\n", b": still open\n\n"]


def test_a_cursor_may_hold_a_value_of_a_type() -> None:
    class Place(msgspec.Struct):
        day: str
        number: int

    assert read_cursor(write_cursor(Place("2026-08-01", 3)), Place).number == 3
