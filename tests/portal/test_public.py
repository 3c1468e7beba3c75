"""The pages for everybody: the catalogue of any day, questions with their places, and what editors publish."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from openers.api.registry import all_operations
from openers_portal.access import Act
from openers_portal.routes import PAGES
from openers_portal.rules import catalogue
from openers_portal.rules.questions import PLACES, questions
from tests.kit.run.project import ROOT
from tests.kit.web.walker import Walker
from tests.portal.conftest import OPERATOR, Enter

ALIVE = {"alpha", "beta", "live", "deprecated"}
PUBLIC = [page for page in PAGES if page.act is Act.READ and "{" not in page.path]


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def _on(day: str) -> dict[str, str]:
    return {each.id: each.status for each in catalogue.on(date.fromisoformat(day))}


@pytest.mark.parametrize(
    ("day", "count", "status"),
    [
        ("2016-12-23", 0, {}),
        ("2016-12-24", 8, {"A001": "beta", "A008": "beta"}),
        ("2018-06-01", 14, {"A001": "live", "A008": "live", "A009": "alpha", "A014": "alpha"}),
        ("2018-07-05", 18, {"A018": "alpha"}),
        ("2020-12-01", 18, {"A015": "live", "A016": "live"}),
        ("2026-11-30", 48, {"A001": "deprecated", "A005": "live", "A039": "beta"}),
    ],
)
def test_the_catalogue_of_a_day(day: str, count: int, status: dict[str, str]) -> None:
    """Source of the first of June 2018: A001 to A008 live, A009 to A014 alpha."""
    found = _on(day)
    assert {name: found[name] for name in status} == status
    assert len(found) == count
    assert set(found.values()) <= ALIVE


def test_the_catalogue_names_the_operations_of_the_service_at_their_addresses() -> None:
    ours = {each.id: each.ours for each in catalogue.operations() if each.ours}
    served = {(each.id, f"{each.method} {each.path}") for each in all_operations()}
    assert {id for id, _ in served} == set(ours)
    assert set(ours.items()) <= served


def test_the_catalogue_page_follows_its_day(visitor: Walker) -> None:
    visitor.go("/catalogue?on=2018-06-01")
    assert "Operations on 1 June 2018" in visitor.text
    assert "POST /v1/CreateReferral" in visitor.text
    assert "A015" not in visitor.text
    visitor.follow("A011")
    assert "POST /STU3/ReferralRequest/$ers.createReferral" in visitor.text
    visitor.go("/catalogue?on=yesterday")
    assert "Enter a day" in visitor.text


def test_each_question_has_its_page_and_the_place_where_one_does_it(visitor: Walker) -> None:
    assert [each.number for each in questions()] == list(range(1, 26))
    assert len(PLACES) == 25
    for each in questions():
        visitor.go(f"/faq/{each.number}")
        assert each.question in visitor.text
        visitor.follow(each.place.text)
        assert visitor.reply.status_code == 200, each


def test_every_link_of_an_answer_leads_to_a_page_that_exists(portal: str, tested: Any) -> None:
    """Pages of the documentation are built at set-up; their sources are looked up here."""
    documentation = f"{tested.base_url}/docs/"
    with httpx.Client(base_url=portal, follow_redirects=True) as http:
        for number in range(1, 26):
            shown = http.get(f"/faq/{number}")
            for link in _Links(shown.text.partition("<main")[2].partition("</main>")[0]).found:
                if link.startswith(documentation):
                    page, _, anchor = link.removeprefix(documentation).partition("#")
                    assert _has_anchor(page.removesuffix(".html"), anchor), link
                else:
                    assert http.get(link).status_code == 200, link


def _has_anchor(page: str, anchor: str) -> bool:
    source = ROOT / f"docs/{page}.md"
    headings = re.findall(r"(?m)^#+ (.*)$", source.read_text())
    slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    return not anchor or anchor in slugs


@pytest.mark.parametrize(
    ("words", "found", "missing"),
    [("smartcard Token", "Must a user stay", "What is JSON"), ("media type", "What is JSON", "Must a user")],
)
def test_the_search_finds_questions_that_have_all_words(visitor: Walker, words: str, found: str, missing: str) -> None:
    visitor.go(f"/faq?q={words}")
    assert found in visitor.text
    assert missing not in visitor.text


@pytest.mark.parametrize("page", PUBLIC, ids=lambda page: page.path)
def test_the_api_has_the_data_of_each_public_page(portal: str, page: Any) -> None:
    path = "/overview" if page.path == "/" else page.path
    reply = httpx.get(f"{portal}/api/v1{path}")
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.json(), dict)
    described = httpx.get(f"{portal}/api/v1/openapi.json").json()
    assert path in described["paths"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/catalogue/A099", 404),
        ("/faq/26", 404),
        ("/faq/x", 404),
        ("/notices/none", 404),
        ("/notices/%00", 404),
        ("/nowhere", 404),
    ],
)
def test_what_is_not_there_is_told_as_page_and_as_problem(portal: str, path: str, status: int) -> None:
    page, problem = httpx.get(f"{portal}{path}"), httpx.get(f"{portal}/api/v1{path}")
    assert (page.status_code, problem.status_code) == (status, status)
    assert "<h1>Page not found</h1>" in page.text
    assert problem.headers["content-type"] == "application/problem+json"


def test_an_editor_drafts_previews_publishes_and_withdraws(visitor: Walker, enter: Enter) -> None:
    editor = enter(OPERATOR)
    editor.go("/edit/new?kind=news")
    text = "Now with [the catalogue](/catalogue), `code` & <b>no</b> [tricks](javascript:alert)."
    editor.send("Preview", title="Portal opened", text=text)
    assert '<a href="/catalogue">the catalogue</a>' in editor.reply.text
    assert "javascript:" not in editor.reply.text.partition("<textarea")[0]
    editor.send("Save draft")
    assert "Only editors see it" in editor.text
    visitor.go("/notices")
    assert "Portal opened" not in visitor.text
    editor.send("Publish")
    visitor.go("/notices")
    visitor.follow("Portal opened")
    assert "&lt;b&gt;no&lt;/b&gt;" in visitor.reply.text
    editor.send("Save draft", title="Portal opened wide")
    visitor.go("/notices")
    assert "Portal opened wide" not in visitor.text
    editor.send("Withdraw")
    visitor.go("/notices")
    assert "Portal opened" not in visitor.text


@pytest.mark.parametrize(("change", "weeks"), [("minor", 4), ("major", 8)])
def test_a_notice_is_published_in_time_or_not_at_all(enter: Enter, change: str, weeks: int) -> None:
    """Source: Special Terms: four weeks for a minor change, eight for a major one."""
    editor = enter(OPERATOR)
    editor.go("/edit/new?kind=notice")
    editor.send("Publish", title=f"A {change} change", text="The field goes.", change=change, on="2026-01-01")
    assert editor.reply.status_code == 422
    assert f"A {change} change needs {weeks} weeks' notice" in editor.text
    editor.send("Publish", on="2099-01-01")
    assert "Published." in editor.text


def test_two_editors_do_not_overwrite_each_other(enter: Enter) -> None:
    first, second = enter(OPERATOR), enter(OPERATOR)
    first.go("/edit/new?kind=roadmap")
    first.send("Save draft", title="Plan", text="One", on="2027-03-01")
    second.go(first.path)
    first.send("Publish", text="Two")
    second.send("Publish", text="Three")
    assert "Another editor has saved a newer version" in second.text
    second.go("/roadmap")
    assert "Two" in second.text
    assert "Three" not in second.text


def test_the_state_of_an_environment_is_the_last_published_one(visitor: Walker, enter: Enter) -> None:
    editor = enter(OPERATOR)
    editor.go("/edit/new?kind=state")
    editor.send("Publish", title="DEV1 now", text="Slots are late.", environment="DEV1", condition="degraded")
    visitor.go("/environments")
    assert "Available with problems" in visitor.text
    assert "Slots are late." in visitor.text
