"""The log contains nothing that identifies a patient or gives access."""

from __future__ import annotations

import base64
import io
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.telemetry.formats import LogFormat
from openers.telemetry.logs import configure, logger
from openers.telemetry.redaction import LONGEST, MASK, redact, redact_text

NUMBERS = st.integers(0, 10**10 - 1).map("{:010d}".format)
GROUPED = NUMBERS.map(lambda each: f"{each[:3]} {each[3:6]} {each[6:]}")
OPAQUE = st.binary(min_size=32, max_size=48).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))
SIGNED = st.tuples(st.binary(min_size=16), st.binary(min_size=16)).map(
    lambda parts: (
        "eyJhbGciOiJSUzUxMiJ9." + ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts)
    )
)
SECRETS = st.one_of(NUMBERS, GROUPED, OPAQUE, SIGNED)
WORDS = st.text(st.characters(exclude_categories=("Nd", "Cs")), max_size=12)


@st.composite
def nested(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a secret and an event that contains it: as a value, a key, within a text or in bytes."""
    secret = draw(SECRETS)
    value: Any = draw(
        st.sampled_from([secret, f"for {secret}.", secret.encode(), {secret: 1}, f'{{"id": "{secret}"}}'])
    )
    if secret.isdigit() and not secret.startswith("0") and draw(st.booleans()):
        value = int(secret)
    for wrap in draw(st.lists(st.sampled_from("dlts"), max_size=5)):
        value = {"d": {draw(WORDS): value}, "l": [1, value], "t": ("x", value), "s": _Held(value)}[wrap]
    return secret, {draw(WORDS): value, "other": "kept"}


class _Held(msgspec.Struct):
    """A value object of the service."""

    inner: Any


@given(nested())
def test_no_number_or_token_survives_under_any_key(case: tuple[str, dict[str, Any]]) -> None:
    """A secret is masked wherever it is, and the values beside it stay."""
    secret, event = case
    masked = redact(event)
    assert secret not in repr(masked)
    assert isinstance(masked, dict)
    assert "kept" in masked.values()


@given(
    st.sampled_from(
        [
            "nhs_number",
            "nhsNumber",
            "patient",
            "Authorization",
            "client_assertion",
            "code",
            "client-secret",
            "Set-Cookie",
            "subject_token",
            "refresh_token",
            "access_token",
            "password",
        ]
    ),
    st.from_regex(r"\A[A-Za-z0-9]{12,20}\Z"),
)
def test_secret_keys_mask_whatever_they_hold(key: str, held: str) -> None:
    """A value is masked by its key at any depth, and in a text of keys and values."""
    assert held not in repr(redact({"request": [{key: held}]}))
    if key not in ("nhs_number", "nhsNumber", "patient", "Set-Cookie"):
        assert held not in redact_text(f"/token?a=b&{key}={held}&c=d")
        assert held not in redact_text(f'{{"{key}": "{held}", "c": "d"}}')
        assert held not in redact_text(f"{key}: {held}")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def, next", f"Authorization: Bearer {MASK}, next"),
        ("sent bearer abc", f"sent bearer {MASK}"),
        ("999 123 4567 and 9991234567", f"{MASK} and {MASK}"),
        ("999-123-4567", MASK),
        ("/x?code=abc&state=d", f"/x?code={MASK}&state=d"),
        ("192e5a27-1d30-41a8-82b3-a1234567890e-1", "192e5a27-1d30-41a8-82b3-a1234567890e-1"),
        ("192e5a27-1d30-41a8-82b3-a1234567890e-9991234567", MASK),
    ],
)
def test_patterns_are_masked_in_their_place(text: str, masked: str) -> None:
    """The rest of the text stays."""
    assert redact_text(text) == masked


@pytest.mark.parametrize(
    "value",
    [
        "000049155261",
        "0000 4915 5261",
        550000000000,
        "r.550e8400-e29b-41d4-a716-446655440000",
        "550e8400-e29b-41d4-a716-a44665544000",
        "w1:12:" + "12345678901a" * 5 + "beef",
        "2025-11-23T15:07:12.123456Z",
        "POST /referrals/FHIR/STU3/ReferralRequest/000049155261/$ers.acceptReferral",
        "referenced_user_is_not_referring_clinician_at_organisation",
        12.5,
        True,
        None,
    ],
)
def test_what_people_need_to_read_stays(value: object) -> None:
    """UBRNs, request and correlation ids, audit heads, times and paths stay readable."""
    assert redact(value) == value


@pytest.mark.parametrize("secret", ["9991234567", "999 123 4567", "Ab" * 30, "eyJhbGciOi.eyJhbGciOi.abc"])
def test_a_long_text_is_cut_before_it_is_masked(secret: str) -> None:
    """If the cut divides a secret, no part of it remains."""
    for kept in range(len(secret)):
        masked = redact_text("." * (LONGEST - kept - 1) + "," + secret + " and more")
        assert masked.strip(".") == f",[... {LONGEST - kept + len(secret) + len(' and more')} characters]"


def test_depth_is_bounded() -> None:
    """A value that contains itself is cut off."""
    loop: list[object] = []
    loop.append(loop)
    assert MASK in repr(redact(loop))


@pytest.fixture
def stream() -> io.StringIO:
    """Provide a log stream."""
    return io.StringIO()


def test_production_lines_are_json(stream: io.StringIO) -> None:
    """Each event is one redacted line with its part, level, time and traceback."""
    configure(LogFormat.JSON, stream=stream)
    try:
        raise ValueError("no patient 9991234567")
    except ValueError:
        logger("store").exception("Commit of 9991234567 failed", entries=16)
    (line,) = stream.getvalue().splitlines()
    event = msgspec.json.decode(line)
    assert event["event"] == f"Commit of {MASK} failed"
    assert (event["part"], event["level"], event["entries"]) == ("store", "error", 16)
    assert event["timestamp"].endswith("Z")
    assert "ValueError" in event["exception"]
    assert "9991234567" not in line


@pytest.mark.parametrize("log_format", LogFormat)
def test_a_traceback_has_no_values_of_variables(stream: io.StringIO, log_format: LogFormat) -> None:
    """They may hold what no pattern finds, such as the name of a patient."""
    configure(log_format, stream=stream)
    for log in (logger("store"), logging.getLogger("asyncio")):
        try:
            _fail("".join(("Hart", "ley")))
        except ValueError:
            log.exception("Failed")
    assert stream.getvalue().count("ValueError") >= 2
    assert "Hartley" not in stream.getvalue()


def _fail(family_name: str) -> None:
    """Raise an error while a variable has a value."""
    raise ValueError(len(family_name))


@pytest.mark.parametrize("log_format", LogFormat)
def test_lines_of_libraries_are_redacted_too(stream: io.StringIO, log_format: LogFormat) -> None:
    """Lines of the standard library's logging are redacted too."""
    configure(log_format, stream=stream)
    logging.getLogger("uvicorn.error").warning("Bad request for %s", "9991234567")
    logger("api").info("Request refused", patient="anybody")
    assert MASK in stream.getvalue()
    assert "9991234567" not in stream.getvalue()
    assert "anybody" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2
