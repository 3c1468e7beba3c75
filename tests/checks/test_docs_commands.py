"""Every runnable command of the documentation runs, page by page, on a service started as users start it.

The packages are those of `make run`, unless the page says that `make setup-test` or the wheel is needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.checks import documents
from tests.kit.run.built import Packages
from tests.kit.run.installed import environment_of
from tests.kit.run.project import ROOT
from tests.kit.service.demo import Demo, demo_in, demo_of, wait_for_polls

pytestmark = pytest.mark.needs("bash", "curl")

README = ROOT / "README.md"
TUTORIALS = ROOT / "docs/tutorial"
HOW_TO = ROOT / "docs/how-to"
PRODUCTION = ROOT / "docs/how-to/set-up-production.md"
"""The page without a demo world: `tests/checks/test_set_up_production.py` runs it."""
OTHER_SET_UPS = (["wheel"], ["image"])
"""Set-ups whose pages other tests run: below, and in `tests/deploy`."""
LANGUAGES = ("java", "node")


def _case(page: Path) -> Any:
    """Return a page as a test case, with the languages that its commands need."""
    commands = documents.script(page, documents.ADDRESS)
    tools = [tool for tool in LANGUAGES if re.search(rf"(?m)^{tool} ", commands)]
    return pytest.param(page, marks=pytest.mark.needs(*tools), id=str(page.relative_to(ROOT)))


OTHERS = [
    _case(page)
    for page in documents.pages(ROOT)
    if documents.script(page, documents.ADDRESS)
    and page not in (README, PRODUCTION)
    and page.parent != TUTORIALS
    and page.stem != "define-a-service"
    and documents.set_ups(page) not in OTHER_SET_UPS
]
OF_PACKAGES = [
    page
    for page in documents.pages(ROOT)
    if documents.set_ups(page) == ["wheel"] and documents.script(page, documents.ADDRESS)
]
REFERRER = "555073103100"
REVIEWED = ["NOT_BOOKED", "BOOKED", "1", "BOOKED", "0", "BOOKED", "1"]
"""State of the reviewed referral, and lines of the worklist that name it: booked, accepted, its letter changed."""
ENDS = ["REJECTED", "NOT_BOOKED", "AWAITING_TRIAGE", "TRIAGED_PROVIDER_TO_ACTION", "CANCELLED_REFERRAL"]
"""The later states of the reviewed referral."""
LETTER = "Dear colleague, please see this patient."
UBRN = r"\d{12}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """Run `openers demo` on a free port with its own database."""
    with demo_in(tmp_path_factory.mktemp("project")) as demo:
        yield demo


@pytest.fixture
def demo(running: Demo) -> Demo:
    """Return the demo world with a valid `TOKEN` and free slots. An earlier page may have reset it."""
    running.environment["TOKEN"] = running.token(REFERRER)
    wait_for_polls(running)
    return running


def _script(demo: Demo, page: Path) -> str:
    """Return the runnable commands of `page`, aimed at this demo world."""
    return documents.script(page, demo.base_url, demo.pas_url)


def _printed(demo: Demo, page: Path) -> list[str]:
    """Run `page`; return the lines that it prints."""
    return demo.run(_script(demo, page)).splitlines()


@pytest.mark.parametrize("page", OTHERS)
def test_the_commands_of_a_page_run(demo: Demo, page: Path) -> None:
    reader = demo.with_test_packages() if documents.set_ups(page) == ["setup-test"] else demo
    programs = {**reader.environment, "PATH": os.environ["PATH"]}  # with the languages that this page needs
    replace(reader, environment=programs).run(_script(demo, page))


@pytest.mark.parametrize("page", OF_PACKAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_where_the_wheel_is_installed(built: Packages, tmp_path: Path, page: Path) -> None:
    environment_of(built.wheel, tmp_path / ".venv", ("documents", "test-mode"))
    with demo_of(".venv/bin/openers", tmp_path) as demo:
        printed = demo.run(_script(demo, page))
    assert f"openers {version('openers')}\n" in printed


def test_the_readme_creates_a_referral_and_shows_six_features(demo: Demo) -> None:
    ubrn, state, free, *due, status, cure = _printed(demo, README)
    assert re.fullmatch(UBRN, ubrn)
    assert state == "NOT_BOOKED"
    assert int(free) > 0
    assert any("\tpoll slots\t" in line for line in due)
    assert status == "503"
    assert cure.startswith('"fix":"No Authorization header with a token was sent.')


def test_the_pytest_example_of_the_readme_passes(demo: Demo, tmp_path: Path) -> None:
    example = README.read_text().partition("```python\n")[2].partition("```")[0]
    body = TUTORIALS / "requests/create-referral.json"
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["openers.testing"]\n')
    (tmp_path / "test_it.py").write_text(f"import json\n\nREFERRAL = json.load(open({str(body)!r}))\n\n{example}")
    command = f".venv/bin/python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir {tmp_path} {tmp_path}"
    assert "1 passed" in demo.with_test_packages().run(command)


def test_the_first_tutorial_gets_the_three_errors_that_it_names(demo: Demo) -> None:
    printed = demo.run(_script(demo, TUTORIALS / "first-referral.md"))
    assert re.findall(r"HTTP/1\.1 (\d+)", printed) == ["200", "401", "403", "422"]
    assert '"NOT_BOOKED"' in printed


def test_the_booking_tutorial_cancels_one_appointment_and_defers_another(demo: Demo) -> None:
    first, start, appointment, *statuses, other, deferred = _printed(demo, TUTORIALS / "book-with-the-test-pas.md")
    assert re.fullmatch(UBRN, first)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", start)
    assert appointment.isdecimal()
    assert statuses == ["booked", "cancelled"]
    assert int(other) == int(first) + 1
    assert deferred == "proposed"


def test_two_demos_in_one_folder_serve_readers_side_by_side(demo: Demo) -> None:
    """Each has its port, its database and its Test PAS. The README and a booking work on both."""
    with demo_in(demo.folder, "second.db") as second:
        wait_for_polls(second)
        for here in (second, demo):
            for page in (README, TUTORIALS / "book-with-the-test-pas.md"):
                assert documents.ADDRESS not in _script(here, page)
                printed = _printed(here, page)
            assert printed[-4::3] == ["booked", "proposed"]
            assert here.health["status"] == "pass"


def test_a_service_is_created_linked_published_and_booked_by_commands(demo: Demo) -> None:
    """The questions "how do I create a service, and how is it linked to the Test PAS?": each step prints its result."""
    printed = _printed(demo, HOW_TO / "define-a-service.md")
    number, *_ = printed
    assert number.isdecimal()
    assert f"service {number} cannot be published" in printed
    linked = next(line for line in printed if line.startswith(f"service {number} is linked to "))
    assert int(linked.split()[-2]) > 100, linked
    versions = [line for line in printed if line.startswith(f"service {number} is published in version ")]
    assert [line.split()[-1] for line in versions] == ["1", "2", "3", "5", "6"]
    assert printed.index(linked) < printed.index(versions[0])
    assert "booked" in printed
    assert any(line.startswith("/referrer_alert: null -> ") for line in printed)
    assert any(line.startswith("COMMISSIONING: ") for line in printed)


def test_the_letter_tutorial_reads_the_letter_and_prints_two_documents(demo: Demo) -> None:
    ubrn, file, title, *rest = _printed(demo, TUTORIALS / "write-a-letter.md")
    assert re.fullmatch(UBRN, ubrn)
    assert file.startswith("Binary/")
    assert title == '"title":"Referral letter.txt"'
    assert rest[0].startswith(LETTER)
    assert "\n".join(rest).count("%PDF") == 2


def test_the_review_tutorial_prints_the_states_that_it_names(demo: Demo) -> None:
    ubrn, *printed = _printed(demo, TUTORIALS / "review-and-triage.md")
    assert re.fullmatch(UBRN, ubrn)
    assert printed == REVIEWED + ENDS


def test_the_advice_tutorial_ends_with_a_referral_under_the_same_ubrn(demo: Demo) -> None:
    ubrn, *printed, file, found = _printed(demo, TUTORIALS / "ask-for-advice.md")
    versions = [line for line in printed if line.startswith("If-Match: ")]
    assert versions == [f'If-Match: W/"{version}"' for version in (1, 2, 3)]
    assert printed[-1].startswith("Weigh yourself every morning.")
    assert file == f"Advice and guidance conversation - {ubrn}.pdf"
    assert sorted(re.findall(r'"code":"(request|referral)"', found)) == ["referral", "request"]
    assert f'"value":"{ubrn}"' in found
