"""Coverage of the error replies that the official document lists.

The document's tables are read, and the run records each error reply that a test receives. A whole run must receive
every listed one.
"""

from __future__ import annotations

import pytest
from tests.kit.documents.answers import excused, faults
from tests.kit.documents.listed import listed, taken
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio

PLUGINS = 'pytest_plugins = ["tests.kit.run.budget", "tests.kit.documents.answers"]'
EMPTY = "def test_it(): pass\n"


def test_the_tables_of_the_document_are_read() -> None:
    assert {"A014 422", "A014 422 UNABLE_TO_CANCEL_APPOINTMENT", "A029 400 HISTORY_NOT_SUPPORTED"} <= listed()
    assert {"A012 409", "A012 412", "A016 423", "A034 502", "A036 504"} <= listed()
    assert {"A014 502", "A008 422 TOO_MANY_ITEMS", "A020 413"}.isdisjoint(listed())


async def test_what_a_test_is_answered_is_noted_once(service: Running) -> None:
    gp = await service.as_person(GP)
    assert (await gp.post(**create_referral(services=["11002", "11002"]))).status_code == 422
    assert (await gp.get("/STU3/ReferralRequest/999999999999")).status_code == 404
    assert {"A011 422", "A011 422 DUPLICATE_SERVICE", "A005 404"} <= set(taken())
    assert taken() == []


def test_what_is_missing_and_what_is_excused_in_vain_is_told() -> None:
    unmet = excused("# why\nA1 504: nothing is asked\nA1 412: nobody can  # yet\n")
    assert unmet == {"A1 504", "A1 412"}
    expected = frozenset({"A1 409", "A1 412", "A1 504"})
    assert faults({"A1 409"}, expected, unmet) == []
    assert faults({"A1 409"}, expected, {"A1 412"}) == ["no test has met an answer that is listed: A1 504"]
    (told,) = faults({"A1 409", "A1 412"}, expected, unmet)
    assert told.endswith("names an answer that is met: A1 412")


@pytest.mark.parametrize(("asked", "ret"), [(("tests",), 1), (("tests", "-k", "it"), 0), (("tests/test_one.py",), 0)])
def test_a_whole_run_must_meet_everything(pytester: pytest.Pytester, asked: tuple[str, ...], ret: int) -> None:
    pytester.path.joinpath("conftest.py").write_text(PLUGINS)
    for name, text in (("test_one.py", EMPTY), ("conformance/unmet.txt", ""), ("skips.txt", "")):
        file = pytester.path / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (pytester.path / "tests/conformance/expected_comparisons.txt").write_text("0\n")
    result = pytester.runpytest_inprocess(*asked)
    assert result.ret == ret
    assert bool(ret) == any("A036 504" in line for line in result.outlines)
