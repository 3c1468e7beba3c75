"""The built-in scanner of test mode finds the EICAR test string in any encoding of an editor."""

from __future__ import annotations

import pytest
from tests.kit.files.kept import file, in_pieces

from openers.files.scanning import EICAR, ScriptedThreats
from openers.usecases.ports.files import Verdict

pytestmark = pytest.mark.anyio
TEXT = EICAR.decode()


@pytest.mark.parametrize("at_once", [1, 67, 68, 100_000])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
async def test_the_test_string_is_found_in_every_encoding(encoding: str, at_once: int) -> None:
    for content in (TEXT, f"Dear colleague, {TEXT} and more"):
        written = content.encode(encoding)
        assert await ScriptedThreats().look(file(written), in_pieces(written, at_once)) is Verdict.THREAT


async def test_half_of_it_is_none() -> None:
    written = TEXT[:-1].encode("utf-16-le")
    assert await ScriptedThreats().look(file(written), in_pieces(written, 7)) is Verdict.CLEAN
