"""The pytest plugin, as a project that uses it would: its own tests, run by pytest."""

from __future__ import annotations

import pytest

CONFTEST = 'pytest_plugins = ["openers.testing"]\n'
TESTS = """
from datetime import UTC, datetime, timedelta

import pytest

PATH = "/STU3/CodeSystem/PRIORITY"
seen = []


@pytest.mark.parametrize("number", range(3))
def test_each_has_a_world_of_its_own(openers_world, number):
    assert openers_world.call("GET", PATH).status == 200
    assert openers_world.events() == []
    seen.append(openers_world.name)
    assert len(set(seen)) == number + 1


def test_time(openers_world):
    clock = openers_world.clock
    clock.freeze(datetime(2027, 3, 1, 12, tzinfo=UTC))
    ran = clock.advance(days=14)
    assert clock.now() == datetime(2027, 3, 15, 12, tzinfo=UTC)
    assert {each["kind"] for each in ran} >= {"poll slots"}
    clock.set(datetime(2028, 1, 1, tzinfo=UTC))
    assert clock.run() >= datetime(2028, 1, 1, tzinfo=UTC)


def test_worlds(openers_world):
    openers_world.load("troubles")
    many = len(openers_world.events())
    assert many > 20
    openers_world.snapshot("a")
    openers_world.load("empty")
    assert openers_world.events() == []
    openers_world.restore("a")
    assert len(openers_world.events()) == many
    openers_world.reset()


def test_people(openers_world):
    for function in ("REFERRING_CLINICIAN", "SERVICE_PROVIDER_CLINICIAN"):
        assert openers_world.call("GET", PATH, who=function).status == 200
    with pytest.raises(LookupError, match="names nobody"):
        openers_world.person("KING")
    assert openers_world.token(application="demo-provider-app")
    with pytest.raises(AssertionError, match="no person"):
        openers_world.token("999999999999")
"""


def test_a_project_that_uses_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=6)


def test_the_pack_is_an_option_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nopeners_pack = empty\n")
    pytester.makepyfile(
        """
        def test_it(openers_world):
            assert openers_world.control("GET", f"/worlds/{openers_world.name}")["pack"] == "empty"
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_an_unknown_pack_is_named(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nopeners_pack = nowhere\n")
    pytester.makepyfile("def test_it(openers_world):\n    pass\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no pack nowhere*"])
