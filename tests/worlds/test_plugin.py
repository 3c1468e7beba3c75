"""The pytest plugin in a sample project whose own tests run with pytest."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Final

import pytest

from openers.testing import TestedService
from openers.worlds import mode
from openers_client.http import ServiceUnreachable, send

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
    with pytest.raises(LookupError, match="has no user for"):
        openers_world.person("KING")
    assert openers_world.token(application="demo-provider-app")
    with pytest.raises(AssertionError, match="no person"):
        openers_world.token("999999999999")
"""


REACHED: Final = threading.Event()


class GivenUp(TestedService):
    """A service whose start is abandoned as soon as it waits for its database."""

    __test__ = False

    def _starts(self, within_s: float) -> bool:
        REACHED.wait(within_s)
        return False


def test_a_start_that_takes_too_long_says_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    async def _open(*_: object, **__: object) -> None:
        REACHED.set()
        await asyncio.to_thread(released.wait)
        raise OSError

    monkeypatch.setattr(mode, "open_test_service", _open)
    with pytest.raises(
        RuntimeError, match=r"did not start within 120 s: it waits for the database sqlite:///\S+ to be"
    ):
        GivenUp(tmp_path, "demo")
    released.set()


def test_a_call_that_takes_too_long_says_what_it_waits_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(
            ServiceUnreachable, match=f"{address} did not send the reply to POST /_test/worlds within 0 s"
        ):
            send("POST", f"http://{address}/_test/worlds?a=b", "{}", timeout_s=0.01)


def test_a_project_that_uses_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=6)


def test_the_pack_is_an_option_of_the_project(pytester: pytest.Pytester) -> None:
    """The option of the command line replaces the one of the project."""
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nopeners_pack = troubles\n")
    pytester.makepyfile(
        """
        def test_it(openers_world):
            assert openers_world.control("GET", f"/worlds/{openers_world.name}")["pack"] == "empty"
        """
    )
    words = ("-p", "no:cacheprovider", "--openers-pack", "empty")
    pytester.runpytest_subprocess(*words).assert_outcomes(passed=1)


def test_the_pack_is_a_path_below_the_project(pytester: pytest.Pytester) -> None:
    """The path applies to each world; a test that loads a pack reads the present file."""
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nopeners_pack = ./packs/mine.toml\n")
    pytester.mkdir("packs").joinpath("mine.toml").write_text('based_on = "./base.toml"\n')
    pytester.path.joinpath("packs", "base.toml").write_text('based_on = "empty"\n')
    pytester.makepyfile(
        """
        def test_it(openers_world, pytestconfig):
            held = openers_world.control("GET", f"/worlds/{openers_world.name}")
            assert held["pack"] == str(pytestconfig.rootpath / "packs" / "mine.toml")
            own = pytestconfig.rootpath / "own.toml"
            for name in ("One", "Two"):
                own.write_text(f'based_on = "demo"\\n[[afterwards.services]]\\nid = "11006"\\nname = "{name}"')
                openers_world.load("./own.toml")
                assert openers_world.call("GET", "/R4/HealthcareService/11006").json()["name"] == name
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_an_unknown_pack_is_named(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nopeners_pack = nowhere\n")
    pytester.makepyfile("def test_it(openers_world):\n    pass\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no pack nowhere*while it waited for the pack nowhere to be loaded*"])
