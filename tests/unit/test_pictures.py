"""Data that cameras and phones append to a picture is accepted; any other appended data is refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.files.samples import SAMPLES, png, zipped
from tests.unit.test_sniffing import agrees

JPEG = next(sample.content for sample in SAMPLES if sample.media_type == "image/jpeg")
GIF = next(sample.content for sample in SAMPLES if sample.media_type == "image/gif")
PAGE = b"<html><script>alert(1)</script></html>"


def box(name: bytes, content: bytes) -> bytes:
    """Return a box of an MP4."""
    return struct.pack(">I", 8 + len(content)) + name + content


def long_box(name: bytes, content: bytes) -> bytes:
    """Return a box whose size takes eight bytes."""
    return struct.pack(">I", 1) + name + struct.pack(">Q", 16 + len(content)) + content


FTYP = box(b"ftyp", b"mp42\0\0\0\0isommp42")
MEDIA = bytes(range(256)) * 40
VIDEO = FTYP + box(b"mdat", MEDIA) + box(b"moov", b"x" * 300)
TO_THE_END = FTYP + struct.pack(">I", 0) + b"mdat" + MEDIA


def samsung(blocks: bytes = b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + MEDIA, length: int | None = None) -> bytes:
    """Return a trailer as Samsung phones write it: blocks, their directory, its length, an end mark."""
    directory = b"SEFH" + struct.pack("<IIHHII", 106, 1, 0, 0x0A30, len(blocks), len(blocks))
    return blocks + directory + struct.pack("<I", len(directory) if length is None else length) + b"SEFT"


TAKEN: dict[str, tuple[str, bytes]] = {
    "a second picture": ("image/jpeg", JPEG + JPEG),
    "a second picture behind zeros, and zeros": ("image/jpeg", JPEG + bytes(300) + JPEG + bytes(4000)),
    "a motion photo": ("image/jpeg", JPEG + VIDEO),
    "a motion photo with a gain map": ("image/jpeg", JPEG + JPEG + VIDEO),
    "a motion photo behind zeros, filled up": ("image/jpeg", JPEG + bytes(700) + VIDEO + bytes(512)),
    "a motion photo with large boxes": ("image/jpeg", JPEG + FTYP + long_box(b"mdat", MEDIA)),
    "a motion photo whose last box has no size": ("image/jpeg", JPEG + TO_THE_END),
    "a trailer of Samsung": ("image/jpeg", JPEG + samsung()),
    "a screenshot with a trailer of Samsung": ("image/png", png() + samsung()),
    "a screenshot that was cut smaller in place": ("image/png", png() + bytes(50) + png()[40:]),
    "a screenshot filled up": ("image/png", png() + bytes(100)),
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("at_once", [7, 4096, 1_000_000])
def test_what_cameras_write_is_taken(name: str, at_once: int) -> None:
    media_type, content = TAKEN[name]
    assert agrees(media_type, content, at_once)


REFUSED: dict[str, tuple[str, bytes]] = {
    "a page behind a motion photo": ("image/jpeg", JPEG + VIDEO + PAGE),
    "a page behind the start of a video": ("image/jpeg", JPEG + FTYP + PAGE),
    "a video that is cut": ("image/jpeg", JPEG + VIDEO[:-1]),
    "a video whose first box is cut": ("image/jpeg", JPEG + FTYP[:-3]),
    "a video in front of which something stands": ("image/jpeg", JPEG + PAGE + VIDEO),
    "an archive behind a motion photo": ("image/jpeg", JPEG + TO_THE_END + zipped({"a": b"MZ"})),
    "a program behind a picture": ("image/jpeg", JPEG + b"MZ" + bytes(100)),
    "the end mark of Samsung alone": ("image/jpeg", JPEG + PAGE + b"SEFT"),
    "a trailer of Samsung with a wrong length": ("image/jpeg", JPEG + samsung(length=9)),
    "a page behind a trailer of Samsung": ("image/jpeg", JPEG + samsung() + PAGE),
    "a page behind a screenshot": ("image/png", png() + PAGE),
    "a video behind a screenshot": ("image/png", png() + VIDEO),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("at_once", [7, 4096, 1_000_000])
def test_what_somebody_hides_is_not_taken(name: str, at_once: int) -> None:
    media_type, content = REFUSED[name]
    assert not agrees(media_type, content, at_once)


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=200), at_once=st.integers(1, 50))
def test_any_boxes_are_judged(content: bytes, at_once: int) -> None:
    assert agrees("image/jpeg", JPEG + FTYP + content, at_once) in (True, False)


@pytest.mark.parametrize(
    ("media_type", "content", "taken"),
    [
        ("image/png", png().replace(struct.pack(">II", 1, 1), struct.pack(">II", 20_000, 12_000)), True),
        ("image/png", png().replace(struct.pack(">II", 1, 1), struct.pack(">II", 2**31 - 1, 2**31 - 1)), False),
        ("image/gif", GIF[:6] + struct.pack("<HH", 20_000, 20_000) + GIF[10:], True),
        ("image/gif", GIF[:6] + struct.pack("<HH", 65_535, 65_535) + GIF[10:], False),
    ],
)
def test_a_picture_that_no_viewer_can_show_is_not_taken(media_type: str, content: bytes, taken: bool) -> None:
    assert agrees(media_type, content) is taken
