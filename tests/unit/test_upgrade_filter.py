"""An offer to switch to another protocol is hidden from the parser, which would skip the body."""

from __future__ import annotations

import httptools
import pytest

from openers.api.http.upgrades import UpgradeFilter

BODY = b"a=1\r\n\r\n\r\nUpgrade: b"
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n%s: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %d\r\n\r\n"


class Seen:
    """What the parser calls: headers and body."""

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self.body += body


@pytest.mark.parametrize("name", [b"Upgrade", b"UPGRADE", b"upgrade"])
def test_the_body_arrives_wherever_the_request_is_cut(name: bytes) -> None:
    sent = HEAD % (name, len(BODY)) + BODY
    head = len(sent) - len(BODY)
    for cut in range(1, len(sent)):
        seen, filtering = Seen(), UpgradeFilter()
        parser = httptools.HttpRequestParser(seen)
        parser.feed_data(filtering.filter(sent[:cut]))
        parser.feed_data(sent[cut:] if cut >= head else filtering.filter(sent[cut:]))
        assert seen.body == BODY, cut
        assert len(seen.headers) == 4


def test_headers_without_a_body_end_wherever_they_are_cut() -> None:
    sent = HEAD % (b"upgrade", 0)
    whole = UpgradeFilter().filter(sent)
    assert whole.count(b"upgrade") == 1
    bytewise = UpgradeFilter()
    assert b"".join(bytewise.filter(sent[at : at + 1]) for at in range(len(sent))) == whole
    for cut in range(1, len(sent)):
        filtering = UpgradeFilter()
        assert filtering.filter(sent[:cut]) + filtering.filter(sent[cut:]) == whole


def test_other_headers_and_values_stay() -> None:
    sent = b"GET /upgrade HTTP/1.1\r\nUpgrade-Insecure-Requests: 1\r\nA: upgrade: b\r\nConnection: upgrade\r\n\r\n"
    assert UpgradeFilter().filter(sent) == sent
