"""The verdicts of the ClamAV daemon, and the result for a file when its reply is unexpected or missing.

Source: rules chapter 6 (availability); clamd's protocol (INSTREAM). Only its reply "OK" makes a file available.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from openers.domain.errors import Unavailable
from openers.files.scanning import EICAR, Clamd, ContentScanner
from openers.usecases.due import CLAIMED_FOR
from openers.usecases.ports.files import Verdict
from tests.kit.files.clamds import (
    LARGEST_LOOKED_INTO,
    LARGEST_STREAM,
    Behaviour,
    answering,
    answering_early,
    clamd,
    hang,
    peer,
    streamed,
    take_nothing,
)
from tests.kit.files.kept import broken_off, file, in_pieces

pytestmark = pytest.mark.anyio
AWAY: Final = Unavailable("blobs")
SHORT_S: Final = 0.3
LETTER: Final = b"Dear colleague. " * 50_000
"""Larger than a socket buffer."""


@pytest.fixture(params=[{}, {"use_uvloop": True}], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Run on both event loops, because uvloop has its own sockets."""
    return "asyncio", request.param


async def verdict(url: str, content: bytes = LETTER, within_s: float = 20.0) -> Verdict:
    """Return the scanner's verdict on a text."""
    return await ContentScanner(Clamd(url, within_s)).scan(file(content), in_pieces(content, 100_000))


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"stream: OK\0", Verdict.CLEAN),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Verdict.THREAT),
        (b"stream: OK FOUND\0", Verdict.THREAT),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", Verdict.INVALID),
        (b"stream: Heuristics.Encrypted.PDF FOUND\0", Verdict.INVALID),
        (b"INSTREAM size limit exceeded. ERROR\0", Verdict.INVALID),
    ],
)
async def test_a_verdict(answer: bytes, found: Verdict) -> None:
    """Each reply of the daemon leads to its verdict."""
    async with peer(answering(answer)) as url:
        assert await verdict(url) is found


async def test_the_whole_file_is_sent() -> None:
    """The daemon receives the file byte by byte as it was uploaded."""
    seen: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await streamed(reader))
        writer.write(b"stream: OK\0")

    async with peer(behave) as url:
        assert await verdict(url) is Verdict.CLEAN
    assert seen == [LETTER]


@pytest.mark.parametrize("after", [0, 10, 5_000, 200_000])
async def test_a_daemon_that_has_had_enough(after: int) -> None:
    """If the daemon reports its size limit early and closes, the service reads this reply while it is sending."""
    async with peer(answering_early(b"INSTREAM size limit exceeded. ERROR\0", after=after)) as url:
        assert await verdict(url, LETTER * 10) is Verdict.INVALID


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(answering(b"UNKNOWN COMMAND\0"), id="another answer"),
        pytest.param(answering(b"stream: NOT OK\0"), id="not OK"),
        pytest.param(answering(b"OK\0"), id="OK to something else"),
        pytest.param(answering(b"stream: Can't allocate memory ERROR\0"), id="an error of its own"),
        pytest.param(answering(b"\0"), id="nothing"),
        pytest.param(answering(b"\xff\xfe\x00"), id="no text"),
        pytest.param(answering(b"stream: OK"), id="half an answer"),
        pytest.param(answering(b"x" * 1_000_000), id="no end"),
        pytest.param(answering_early(b"", after=0), id="closed at once"),
        pytest.param(answering_early(b"", after=5_000), id="closed early"),
        pytest.param(answering_early(b"stream: O", after=5_000), id="closed early within an answer"),
    ],
)
async def test_what_is_no_verdict(behaviour: Behaviour) -> None:
    """After any other reply the scanner raises Unavailable, so that the file is scanned again."""
    async with peer(behaviour) as url:
        with pytest.raises(Unavailable):
            await verdict(url)


@pytest.mark.parametrize("behaviour", [hang, take_nothing])
async def test_a_daemon_that_hangs_is_given_up(behaviour: Behaviour) -> None:
    """The scan stops after its timeout, whether the daemon stops replying or stops reading.

    The default timeout is shorter than the claim of a scan, so no other runner starts the scan before.
    """
    async with peer(behaviour) as url:
        with pytest.raises(Unavailable):
            await verdict(url, LETTER * 10, SHORT_S)
    assert Clamd("")._within_s < CLAIMED_FOR.total_seconds()  # pyright: ignore[reportPrivateUsage]  # the default timeout


async def test_a_daemon_that_is_away(tmp_path: Path) -> None:
    """If nothing listens at the port or the socket does not exist, the scanner raises Unavailable."""
    async with peer(hang) as url:
        pass
    for address in (url, f"unix:{tmp_path / 'clamd.sock'}", "unix:/" + "x" * 200):
        with pytest.raises(Unavailable):
            await verdict(address)


async def test_a_file_that_can_not_be_read_to_its_end() -> None:
    """If the upload's content cannot be read to its end, the scan fails at once without a reply of the daemon."""
    async with peer(hang) as url:
        with pytest.raises(Unavailable) as raised:
            await Clamd(url).look(file(LETTER), broken_off([LETTER], AWAY))
    assert raised.value is AWAY


# ------------------------------------------------------------------------------------------------- the real daemon


@pytest.fixture(scope="module")
def real() -> Generator[str]:
    """Run the real daemon; yield its address."""
    with TemporaryDirectory() as directory:
        socket = Path(directory) / "clamd.sock"
        with clamd(socket):
            yield f"unix:{socket}"


@pytest.mark.needs("clamd")
@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(LETTER, Verdict.CLEAN, id="clean"),
        pytest.param(EICAR, Verdict.THREAT, id="the test string"),
        pytest.param(LETTER + EICAR + LETTER, Verdict.THREAT, id="the test string in the middle"),
        pytest.param(LETTER[:99_990] + EICAR + LETTER, Verdict.THREAT, id="the test string across two pieces"),
        pytest.param(EICAR[:-1], Verdict.CLEAN, id="not quite the test string"),
        pytest.param(b"x" * (LARGEST_LOOKED_INTO + 1), Verdict.INVALID, id="larger than it looks into"),
        pytest.param(b"x" * (LARGEST_STREAM + 1), Verdict.INVALID, id="larger than it takes"),
        pytest.param(b"x" * (20 * LARGEST_STREAM), Verdict.INVALID, id="much larger than it takes"),
    ],
)
async def test_what_clamav_finds(real: str, content: bytes, found: Verdict) -> None:
    """The real daemon finds the test string, and rejects files above its limits."""
    assert await verdict(real, content) is found


@pytest.mark.needs("clamd")
async def test_scans_beside_each_other(real: str) -> None:
    """Each of several concurrent scans gets the verdict on its own file."""
    contents = [LETTER + (EICAR if number % 3 == 0 else b"") for number in range(12)]
    found = await asyncio.gather(*(verdict(real, each) for each in contents))
    assert found == [Verdict.THREAT if number % 3 == 0 else Verdict.CLEAN for number in range(12)]
