"""Any text is converted into printable text that keeps every readable character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.paper.legible import legible, spelled_out


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Ada O'Larkin-Ng", "Ada O'Larkin-Ng"),
        ("*bold* #set $x$ <a> `c` \\ ~ @b [d] {e} _f_", "*bold* #set $x$ <a> `c` \\ ~ @b [d] {e} _f_"),
        ("one\r\ntwo\rthree\u2028four\vfive", "one\ntwo\nthree\nfour\nfive"),
        ("a\tb\u00a0c", "a b c"),
        ("a\x00b\x07c\x1bd\x7fe\x9ff", "abcdef"),
        ("Zoe\u0301", "Zo\u00e9"),
        ("\u202eevil\u202c \u200f\u2066x\u2069", "evil x"),
        ("\ufeffa\u200bb\u00adc", "abc"),
        ("日本語 中文 한국어", "日本語 中文 한국어"),
        ("مرحبا שלום नमस्ते বাংলা ਪੰਜਾਬੀ ગુજરાતી தமிழ் ไทย አማርኛ", "مرحبا שלום नमस्ते বাংলা ਪੰਜਾਬੀ ગુજરાતી தமிழ் ไทย አማርኛ"),
        ("😀", "😀"),
        ("\U00013000", "[U+13000]"),
        ("\ue000", "[U+E000]"),
        ("\uffff", "[U+FFFF]"),
        ("\ud800", "[U+D800]"),
        ("e\u0651", "e[U+0651]"),
        ("\u200d\u200ca", "a"),
        ("", ""),
    ],
)
def test_what_is_printed_of_what_was_written(written: str, printed: str) -> None:
    assert legible(written) == printed


@given(st.text(st.characters(codec=None)))
def test_what_is_printable_stays_so(text: str) -> None:
    """A second conversion changes nothing; no control character, direction mark or lone surrogate remains."""
    once = legible(text)
    assert legible(once) == once
    once.encode()
    assert not {each for each in once if each != "\n" and (ord(each) < 32 or each in "\u202a\u202d\u202e\u2066\u2067")}


@given(st.text(st.characters(codec=None)))
def test_spelled_out_is_ascii(text: str) -> None:
    assert spelled_out(text).isascii()
