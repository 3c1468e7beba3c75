"""Citations of the published rules: their forms, their anchors, and the detection of wrong citations."""

from __future__ import annotations

import pytest

from openers.worlds.recording.citations import PAGES, citations, malformed
from tests.checks import rules
from tests.checks.source import Source, texts

WORD = "rul" + "es"
"""Split, so that the planted citations do not count as citations of this module."""
READ = (
    ("3.2", "rule-3-2"),
    ("chapter 6 (types).", "rule-6"),
    ("4 (A013)", "rule-4-a013"),
    ("4, A014 and A022)", "rule-4-a014 rule-4-a022"),
    ("4 (A025: the kinds of message), 9 (3)", "rule-4-a025 rule-9-3"),
    ("chapters 3.3 and 4 (A023 to A025, A044).", "rule-3-3 rule-4-a023 rule-4-a024 rule-4-a025 rule-4-a044"),
    ("2.2 to 2.4; 6", "rule-2-2 rule-2-3 rule-2-4 rule-6"),
    ("9, row 5, and 13", "rule-9-5 rule-13"),
    ("11.1 rows 5 and 17, 11.2 row 19, and 13.", "rule-11-1-row-5 rule-11-1-row-17 rule-11-2-row-19 rule-13"),
    ("2.3, 9.28; RFC 9110", "rule-2-3 rule-9-28"),
    ("3.4 (423)\n    and 7", "rule-3-4 rule-7"),
)
PAGE = '<a id="rule-3-2"></a>\n## 3.2 Appointment\n\nOne live appointment.\n'


@pytest.mark.parametrize(("text", "anchors"), READ)
def test_reads_every_form_of_citation(text: str, anchors: str) -> None:
    assert " ".join(each.anchor for each in citations(f"{WORD} {text}")) == anchors


def test_reads_citations_of_other_documents() -> None:
    assert [each.anchor for each in citations(f"{WORD}-2 3.5, 4.1; {WORD}-3 E.1")] == [
        "rules-2-3-5",
        "rules-2-4-1",
        "rules-3-e-1",
    ]


@pytest.mark.parametrize(
    ("text", "cited", "address"),
    [
        ("3.2", "3.2", "/docs/rules/03-states.html#rule-3-2"),
        ("4 (A013)", "4 (A013)", "/docs/rules/04-operations.html#rule-4-a013"),
        ("11.2, row 27", "11.2 row 27", "/docs/rules/03-states.html#rule-11-2-row-27"),
        ("7", "7", "/docs/rules/07-pas.html#rule-7"),
    ],
)
def test_a_citation_has_an_address(text: str, cited: str, address: str) -> None:
    (read,) = citations(f"{WORD} {text}")
    assert (str(read), read.address) == (f"{WORD} {cited}", address)


@pytest.mark.parametrize("text", ["(chapter 4, A010)", "4.2.1", "-4 1.2"])
def test_finds_what_is_not_read_as_a_citation(text: str) -> None:
    assert list(malformed(f"see the {WORD}{'' if text[0] == '-' else ' '}{text}")) == [8]


def test_every_citation_leads_to_its_rule_and_the_pages_are_up_to_date() -> None:
    assert [str(each) for each in rules.rule_findings(texts())] == []


def test_every_chapter_has_its_page() -> None:
    pages = {path.removeprefix(rules.PAGES) for path in (each.path for each in texts()) if path.startswith(rules.PAGES)}
    assert pages == {"README.md", *(f"{name}.md" for name in PAGES.values())}


def test_finds_a_citation_without_a_rule_with_line_and_cure() -> None:
    planted = Source("src/planted.py", f"x = 1\n# see {WORD} 3.2 and 3.9\n")
    (finding,) = rules.unresolved(planted, {"rule-3-2": "docs/rules/03-states.md"})
    assert (finding.path, finding.line) == ("src/planted.py", 2)
    assert f"{WORD} 3.9 is not in docs/rules/: correct the citation" in finding.what


def test_finds_a_rule_that_is_in_another_page_than_its_address() -> None:
    planted = Source("src/planted.py", f"# {WORD} 3.2\n")
    (finding,) = rules.unresolved(planted, {"rule-3-2": "docs/rules/07-pas.md"})
    assert "/docs/rules/03-states.html#rule-3-2" in finding.what


def test_finds_an_anchor_that_exists_twice() -> None:
    pages = [Source("docs/rules/03-states.md", PAGE), Source("docs/rules/07-pas.md", PAGE)]
    assert [each.path for each in rules.rule_findings(pages)] == ["docs/rules/07-pas.md"]


def test_finds_a_page_whose_links_are_out_of_date() -> None:
    sources = [Source("docs/rules/03-states.md", PAGE), Source("src/openers/domain/planted.py", f"# {WORD} 3.2\n")]
    (finding,) = rules.rule_findings(sources)
    assert (finding.path, rules.COMMAND in finding.what) == ("docs/rules/03-states.md", True)
    written = rules.generated(PAGE, rules.cited_by(sources))
    assert written == f"{PAGE}\nCited by: [`domain/planted`](../../src/openers/domain/planted.py).\n"
    assert rules.generated(written, rules.cited_by(sources)) == written
    assert rules.generated(written, {}) == PAGE
