"""Signatures of webhooks: the example of Standard Webhooks, and secrets of every form."""

from __future__ import annotations

import pytest

from openers.domain.webhooks import signing_key
from openers.outbound.webhook_sender import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = bytes.fromhex("31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0")


def test_the_published_example_is_signed_so() -> None:
    """Source: the verification vector that libraries of Standard Webhooks share."""
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("secret", "key"),
    [(SECRET, KEY), ("0123456789abcdef", b"0123456789abcdef"), ("of letters: \u00e4\u00f6\u00fc \u00df", None)],
)
def test_a_secret_holds_its_key_in_base64_or_is_the_key(secret: str, key: bytes | None) -> None:
    assert signing_key(secret) == (secret.encode() if key is None else key)
