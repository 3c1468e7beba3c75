"""Blocks are sealed as documented, and heads can be written as text and read back."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.store.audit.chain import START, Head, Sealer, belongs, block_mac, lines_of

KEY = bytes(range(32))


def test_sealing_is_hmac_over_the_place_and_the_entry() -> None:
    """Each mac is plain HMAC-SHA256 of the documented text."""
    block = Sealer(KEY, "w1").seal([b"{}", b"[]"])
    mac = hmac.digest(KEY, b"entry|w1|1|2|[]", "sha256").hex()[:16].encode()
    assert list(lines_of(block.entries))[1] == mac + b" []"
    assert belongs(KEY, mac + b" []", "w1", 1, 2)
    assert block.mac == block_mac(KEY, START, block)
    assert block.mac == hmac.digest(KEY, b"block|" + START + b"|w1|1|2|" + block.entries, "sha256")


def test_a_failed_commit_leaves_the_head() -> None:
    """Only `advance` moves the head, and only to the next block."""
    sealer = Sealer(KEY, "w1")
    lost, kept = sealer.seal([b"1"]), sealer.seal([b"2"])
    assert (lost.seq, kept.seq) == (1, 1)
    sealer.advance(kept)
    assert sealer.head == Head("w1", 1, kept.mac)
    with pytest.raises(ValueError, match="follow"):
        sealer.advance(lost)
    again = Sealer(KEY, *sealer.head).seal([b"3"])
    assert (again.seq, again.mac) == (2, block_mac(KEY, kept.mac, again))


@pytest.mark.parametrize("group", [[], [b"one\ntwo"]])
def test_what_is_no_group_of_lines_is_not_sealed(group: list[bytes]) -> None:
    """An empty group, and entries with line breaks, are refused."""
    with pytest.raises(ValueError, match=r"entry"):
        Sealer(KEY, "w1").seal(group)


@pytest.mark.parametrize(("key", "writer"), [(b"short", "w"), (KEY, "a|b"), (KEY, ""), (KEY, "a:b"), (KEY, "a\n")])
def test_keys_and_writers_are_checked(key: bytes, writer: str) -> None:
    """A writer's name may not contain separators."""
    with pytest.raises(ValueError, match=r"key|writer"):
        Sealer(key, writer)


@given(
    st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True), st.integers(0, 10**17), st.binary(min_size=32, max_size=32)
)
def test_heads_survive_their_text(writer: str, seq: int, mac: bytes) -> None:
    """A head written to the log is read back unchanged."""
    head = Head(writer, seq, mac)
    assert Head.parse(f"{head}\n") == head


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("", "writer"), ("w", "number"), ("w:x:00", "number"), ("w:1:00", "64"), ("w:1:" + "G" * 64, "mac")],
)
def test_what_is_no_head_is_refused(text: str, wrong: str) -> None:
    """The message names the wrong part."""
    with pytest.raises(ValueError, match=wrong):
        Head.parse(text)
