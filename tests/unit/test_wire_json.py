"""Invalid JSON bodies and instants, each reported with its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.identifiers import NhsNumber
from openers.wire.instants import read_instant, write_instant
from openers.wire.json import DEEPEST, BadStructure, MalformedJson, encode, parse


@pytest.mark.parametrize(
    ("body", "reason", "position"),
    [
        (b"", "is empty", 0),
        (b"  ", "is empty", 2),
        (b'{"a":', "is empty or ends too early", 5),
        (b'{"a":1}x', "is not valid JSON", 8),
        (b'{"a":NaN}', "is not valid JSON", 5),
        (b'{"a":Infinity}', "is not valid JSON", 5),
        (b"\xef\xbb\xbf{}", "is not valid JSON", 0),
        (b'{"a":"\\udc00"}', "is not valid JSON", 12),
        (b'{"a":"\\ud800"}', "is empty or ends too early", 14),
        (b'{"a":1e999}', "contains a number that is out of range", None),
        (b'{"a":' + b"1" * 5000 + b"}", "contains a number that is out of range", None),
        (b'{"a":"\xff"}', "is not UTF-8", None),
        *((b"[" * deep, "is nested too deeply", 32) for deep in (5_000, 100_000)),
        *((b'{"a":' * deep + b"1" + b"}" * deep, "is nested too deeply", 160) for deep in (33, 300, 400, 100_000)),
        (b'{"[[{\\"": "]}", "a": ' + b"[" * 40 + b"]" * 40 + b"}", "is nested too deeply", 52),
    ],
)
def test_a_body_that_is_no_json_says_why_and_where(body: bytes, reason: str, position: int | None) -> None:
    with pytest.raises(MalformedJson) as refused:
        parse(body)
    assert (refused.value.reason, refused.value.position) == (reason, position)


def test_a_body_may_be_as_deep_as_said_and_as_broad_as_it_likes() -> None:
    assert parse(b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST)
    assert parse(b'{"a":[' + b",".join([b"[{}]"] * 1000) + b"]}")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_json_that_is_no_object_has_the_wrong_structure(body: bytes) -> None:
    with pytest.raises(BadStructure) as refused:
        parse(body)
    assert refused.value.path == ""


@given(st.binary(max_size=60))
def test_no_body_whatever_breaks_the_reader(body: bytes) -> None:
    try:
        parse(body)
    except (MalformedJson, BadStructure):
        return


def test_identifiers_are_written_as_their_text_and_nothing_else_is_guessed() -> None:
    assert encode({"value": NhsNumber("9990000042")}) == b'{"value":"9990000042"}'
    with pytest.raises(NotImplementedError):
        encode({"value": object()})  # pyright: ignore[reportArgumentType] (a value that has no place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2031-02-03T04:05:06Z", "2031-02-03T04:05:06.000Z"),
        ("2031-02-03T04:05:06.7Z", "2031-02-03T04:05:06.700Z"),
        ("2031-02-03T04:05:06.789999Z", "2031-02-03T04:05:06.789Z"),
        ("2031-02-03T00:05:06.789+01:00", "2031-02-02T23:05:06.789Z"),
        ("2031-02-03T23:30:00-05:30", "2031-02-04T05:00:00.000Z"),
        ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"),
    ],
)
def test_instants_arrive_in_utc_and_in_milliseconds(text: str, expected: str) -> None:
    assert write_instant(read_instant(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2031-02-03",
        "2031-02-03T04:05:06",
        "2031-02-03T04:05Z",
        "2031-02-03 04:05:06Z",
        "2031-02-03T04:05:06,5Z",
        "2031-02-03T04:05:06.1234567Z",
        "2031-02-03T04:05:06+0100",
        "2031-02-03T04:05:06Z\n",
        "2031-02-30T04:05:06Z",
        "2031-13-03T04:05:06Z",
        "2031-02-03T24:05:06Z",
        "2031-02-03T04:05:60Z",
        "2031-02-03T04:05:06+24:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0000-01-01T00:00:00Z",
        "\uff12\uff1031-02-03T04:05:06Z",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_instant(text)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_an_instant_survives_the_way_in_and_out(moment: datetime, offset_minutes: int) -> None:
    try:
        sent = moment.astimezone(timezone(timedelta(minutes=offset_minutes)))
    except OverflowError:
        return
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if sent.year >= 1:
        assert read_instant(sent.isoformat()) == cut
