"""Phrases that make a reader stop are found in each kind of text, and nowhere in code."""

from __future__ import annotations

import pytest

from tests.checks.source import Source, texts
from tests.checks.words import LIMITS, phrases

PLAIN = "The service stores the request and returns the new version of the record. " * 30

RIDDLES = (
    ("README and tutorials", "README.md", "It keeps what it is told."),
    ("README and tutorials", "docs/tutorial/x.md", "Whoever asks is told."),
    ("documents", "docs/x.md", "It stands for somebody."),
    ("pages", "src/openers/web/templates/x.html", "<p>Nobody has\nasked.</p>"),
    ("texts of the service", "src/openers/x.py", 'x = "for test mode alone, as told"'),
    ("source", "src/openers/x.py", '"""Return what it was."""'),
    ("source", "bench/x.py", "# so many calls"),
    ("tests", "tests/api/test_x.py", '"""What comes is told."""'),
)


@pytest.mark.parametrize(("kind", "path", "text"), RIDDLES)
def test_a_riddle_is_found_in_its_kind_of_text(kind: str, path: str, text: str) -> None:
    above, *places = phrases([Source(path, text)])
    assert (above.path, above.what.partition(" phrases")[0]) != ("", "0.0")
    assert above.path == kind
    assert places[0].path == path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("docs/x.md", "`what it is` is code\n```\nsomebody is told\n```\n"),
        ("docs/x.md", "There is no such record, and it is no longer there."),
        ("src/x.html", '<p class="alone">{% if told %}Saved{% endif %}</p>'),
        ("src/openers/x.py", "told = alone(nobody)\nkey = 'told alone'"),
        ("docs/x.md", PLAIN * 5 + "One sentence tells a story."),
    ],
)
def test_code_and_few_phrases_are_left_alone(path: str, text: str) -> None:
    assert [str(found) for found in phrases([Source(path, text)])] == []


def test_the_tree_keeps_every_limit() -> None:
    assert [str(found) for found in phrases(list(texts()))] == []


def test_a_place_is_shown_by_its_line() -> None:
    _, place = phrases([Source("docs/x.md", "One\n\ntwo told\n")])
    assert (place.line, place.what) == (3, "'told'")
    assert set(LIMITS) == {kind for kind, _, _ in RIDDLES}
