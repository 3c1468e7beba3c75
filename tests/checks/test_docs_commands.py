"""Every runnable command of the documentation runs, page by page, on a service started as users start it.

The packages are those of `make run`, unless the page says that `make setup-test` is needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.checks import documents
from tests.kit.run.project import ROOT
from tests.kit.service.demo import Demo, demo_in

pytestmark = pytest.mark.needs("bash", "curl")

README = ROOT / "README.md"
TUTORIAL = ROOT / "docs/tutorial/first-referral.md"
LANGUAGES = ("java", "node")


def _case(page: Path) -> Any:
    """Return a page as a test case, with the languages that its commands need."""
    commands = documents.script(page, documents.ADDRESS)
    tools = [tool for tool in LANGUAGES if re.search(rf"(?m)^{tool} ", commands)]
    return pytest.param(page, marks=pytest.mark.needs(*tools), id=str(page.relative_to(ROOT)))


OTHERS = [
    _case(page)
    for page in documents.pages(ROOT)
    if documents.script(page, documents.ADDRESS) and page not in (README, TUTORIAL)
]
PERSON = "555073103100"
LISTED = ["now NOT_BOOKED", "1", "now BOOKED", "0", "now BOOKED", "1"]
"""The state of the referral of the fourth walk and its number of worklist entries: booked, accepted, letter changed."""
ENDS = ("REJECTED", "NOT_BOOKED", "AWAITING_TRIAGE", "TRIAGED_PROVIDER_TO_ACTION", "CANCELLED_REFERRAL")
"""The states of the referral of the fourth walk, from its rejection on."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """Run `openers demo` on a free port with its own database."""
    with demo_in(tmp_path_factory.mktemp("project")) as running:
        yield running


def _script(demo: Demo, page: Path) -> str:
    """Return all runnable commands of `page` with the addresses of this demo world."""
    return documents.script(page, demo.base_url, demo.pas_url)


@pytest.mark.parametrize("page", OTHERS)
def test_the_commands_of_a_page_run(demo: Demo, page: Path) -> None:
    demo.environment["TOKEN"] = demo.token(PERSON)  # a new one, since some pages end every session
    reader = demo.with_test_packages() if documents.set_ups(page) == ["setup-test"] else demo
    programs = {**reader.environment, "PATH": os.environ["PATH"]}  # with the languages that this page needs
    replace(reader, environment=programs).run(_script(demo, page))


ADVICE = "grep -v Comm-Rule var/headers > var/practice\n"
"""The command before the advice walk."""


def test_the_walks_end_with_what_they_say(demo: Demo) -> None:
    commands = _script(demo, README).partition(ADVICE)[0]
    marks = ("mkdir -p var\n", "UBRN=$(value var/other.json", "act() {")
    for mark in marks:
        assert commands.count(mark) == 1
        commands = commands.replace(mark, f"\necho\necho next walk $UBRN\n{mark}")
    first, second, third, fourth = re.split(r"(?m)^next walk", demo.run(commands))
    created = first.splitlines()[-1]
    assert f'"id":"{second.split()[0]}"' in created
    assert '"NOT_BOOKED"' in created
    assert re.findall(r'"status":"(cancelled|proposed)"', second) == ["cancelled", "proposed"]
    assert third.split("\n", 1)[1].strip() == "Dear colleague, please see this patient."
    told = [line for line in fourth.splitlines()[1:] if not line.startswith("{")]
    assert told == LISTED + [f"now {state}" for state in ENDS]


def test_two_demos_in_one_folder_are_walked_side_by_side(demo: Demo) -> None:
    """Each has its own port, database and Test PAS. The first two walks pass on both."""
    with demo_in(demo.folder, "second.db") as second:
        for here in (second, demo):
            walks = _script(here, README).partition("UBRN=$(value var/other.json")[0]
            assert documents.ADDRESS not in walks
            told = here.run(walks)
            assert re.findall(r'"status":"(cancelled|proposed)"', told) == ["cancelled", "proposed"]
            assert here.health["status"] == "pass"


def test_the_walk_of_advice_ends_with_a_referral_under_the_same_ubrn(demo: Demo) -> None:
    before, begins, commands = _script(demo, README).partition(ADVICE)
    headers = "mkdir -p var\n" + before.split("mkdir -p var\n")[1].partition("}\n")[0] + "}\n"
    told = demo.run(f"set -euo pipefail\n{headers}{begins}{commands}\necho\necho $UBRN")
    printed, found, ubrn = told.strip().splitlines()
    leaflet, _, printed = printed.partition(".")
    assert leaflet == "Weigh yourself every morning"
    assert printed == f"Advice and guidance conversation - {ubrn}.pdf"
    assert sorted(re.findall(r'"code":"(request|referral)"', found)) == ["referral", "request"]
    assert f'"value":"{ubrn}"' in found


def test_the_tutorial_is_refused_in_the_three_ways_that_it_names(demo: Demo) -> None:
    told = demo.run(_script(demo, TUTORIAL))
    assert re.findall(r"HTTP/1\.1 (\d+)", told) == ["200", "401", "403", "422"]
