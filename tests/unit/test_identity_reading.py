"""Any JWT text is read or refused with a protocol error; no other error escapes."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.identity.assertions import issuer_of, read_assertion
from openers.identity.errors import OAuthRefusal
from openers.identity.id_tokens import InvalidIdToken, prove_id_token, read_id_token
from openers.identity.jose import Malformed, instant_of, is_for, is_signed_by, take_apart

NOW = datetime(2030, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["alg", "kid", "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "typ", "crit", "b64", "sid"])
OBJECT = st.dictionaries(NAMES, JSON | st.sampled_from(["RS512", "RS256", "none", "a"]), max_size=6)


def compact(header: object, claims: object) -> str:
    parts = (msgspec.json.encode(header), msgspec.json.encode(claims), b"signature")
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@given(st.text() | st.builds(compact, OBJECT, OBJECT) | st.builds(compact, JSON, JSON))
def test_an_assertion_is_read_or_refused(text: str) -> None:
    with suppress(OAuthRefusal):
        assert issuer_of(read_assertion(text))


@given(st.text() | st.builds(compact, OBJECT, OBJECT))
def test_an_unsigned_id_token_proves_nothing(text: str) -> None:
    with pytest.raises(InvalidIdToken):
        prove_id_token(read_id_token(text), {"keys": [{"kid": "a"}]}, "issuer", "audience", NOW)


@given(st.builds(compact, OBJECT, OBJECT), st.dictionaries(st.sampled_from(["kty", "kid", "n", "e"]), st.text()))
def test_a_broken_key_signs_nothing(text: str, key: dict[str, str]) -> None:
    try:
        token = take_apart(text)
    except Malformed:
        return
    assert not is_signed_by(token, {"kty": "RSA", **key}, "RS512")


@given(JSON)
def test_a_time_is_a_number_of_seconds_or_none(value: object) -> None:
    found = instant_of(value)
    assert found is None or isinstance(value, int | float)


@pytest.mark.parametrize(
    ("audience", "meant"),
    [("us", True), (["us"], True), (["them", "us"], True), ("them", False), ([], False), (None, False), ({}, False),
     ("us,them", False), ([["us"]], False), ({"us": 1}, False)],
)  # fmt: skip
def test_an_audience_names_us_or_not(audience: object, meant: bool) -> None:
    assert is_for(audience, "us") is meant
