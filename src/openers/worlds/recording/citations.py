"""Citations of the published rules, and the addresses of their pages.

The pages are `docs/rules`, whose README lists the forms of citations; the documentation site serves them below
`/docs/rules/`. `tests.checks.rules` resolves every citation in the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

PAGES: Final = {
    "rule-1": "01-terms",
    "rule-2": "02-access",
    "rule-3": "03-states",
    "rule-4": "04-operations",
    "rule-5": "05-reference-data",
    "rule-6": "06-files",
    "rule-7": "07-pas",
    "rule-8": "08-audit",
    "rule-9": "09-oddities",
    "rule-12": "12-parameters",
    "rule-13": "13-worklist-columns",
    "rule-14": "14-headers-and-statuses",
}
"""The page of each chapter. Chapters of `rules-2` and `rules-3` have keys such as `rules-2-3` and `rules-3-e`."""
ROWS: Final = {
    **dict.fromkeys((3, 28, 29, 30), "rule-2"),
    **dict.fromkeys((6, 13, 27), "rule-3"),
    **dict.fromkeys((4, 5, 15, 16, 17, 19, 21, 22, 23, 24, 26, 33, 34, 35, 38), "rule-4"),
    **dict.fromkeys((20, 25), "rule-6"),
    7: "rule-7",
}
"""Chapter 11 corrects other chapters row by row: the chapter that each row belongs to."""

_GAP: Final = r"(?:\s|#){1,40}"
_AND: Final = rf"(?:,{_GAP}(?:and{_GAP})?|{_GAP}and{_GAP})"
_NUMBER_NEXT: Final = rf"(?:chapters?{_GAP})?(?=\d|[A-Z]\.\d)"
_START: Final = re.compile(rf"\b[Rr]ules(?:-(?P<document>[23]))?{_GAP}{_NUMBER_NEXT}")
_NUMBER: Final = re.compile(r"(?P<chapter>\d{1,2}|[A-Z])(?:\.(?P<item>\d{1,2}))?(?![\w.]{0,9}\w)")
_NEXT: Final = re.compile(rf"(?:{_AND}|;{_GAP}|{_GAP}(?P<range>to){_GAP}){_NUMBER_NEXT}")
_ROWS: Final = re.compile(rf",?{_GAP}(?:row{_GAP}\d+|rows{_GAP}\d+(?:,{_GAP}\d+)*{_GAP}and{_GAP}\d+)")
_ODDITY: Final = re.compile(rf",?{_GAP}(?:\((?:row )?\d+\)|row{_GAP}\d+)")
_OPERATION: Final = r"[AX]\d{3}"
_OPERATIONS: Final = re.compile(rf"[,:]?{_GAP}\(?{_OPERATION}(?:(?:{_AND}|{_GAP}to{_GAP}){_OPERATION})*")
_REMARK: Final = re.compile(rf"{_GAP}\([^()]{{0,200}}\)")
_REST_OF_REMARK: Final = re.compile(r"[^()]{0,200}\)")
_MALFORMED: Final = re.compile(rf"\b[Rr]ules(?:-\d)?{_GAP}\(?(?:chapters?\b|\d)")


class Citation(NamedTuple):
    """One rule that a text cites. `document` is empty for the first one; `at` is where the citation begins."""

    document: str
    chapter: str
    item: str
    at: int

    @property
    def anchor(self) -> str:
        """The anchor of the rule in its page: `rule-4-a013`, `rule-11-2-row-26`, `rules-2-3-5`."""
        return "-".join((self._chapter, *self.item.split())).lower()

    @property
    def page(self) -> str:
        """The page that states the rule. Raises KeyError if its chapter is not published."""
        return PAGES[ROWS[int(self.item.split()[-1])] if self._chapter == "rule-11" else self._chapter]

    @property
    def address(self) -> str:
        """Where the documentation site shows the rule. Raises KeyError if its chapter is not published."""
        return f"/docs/rules/{self.page}.html#{self.anchor}"

    @property
    def _chapter(self) -> str:
        start = f"rules-{self.document}" if self.document else "rule"
        return f"{start}-{self.chapter}".lower()

    def __str__(self) -> str:
        """The citation of this one rule."""
        document = f"rules-{self.document}" if self.document else "rules"
        is_operation = re.fullmatch(_OPERATION, self.item)
        item = f" ({self.item})" if is_operation else f".{self.item}" if self.item else ""
        return f"{document} {self.chapter}{item}"


def citations(text: str) -> Iterator[Citation]:
    """Yield the rules that `text` cites, in order."""
    for start in _START.finditer(text):
        at, since = start.end(), ""
        while number := _NUMBER.match(text, at):
            chapter, item = number["chapter"], number["item"] or ""
            items, at = _items(text, number)
            for each in (*_between(since, item), *items):
                yield Citation(start["document"] or "", chapter, each, start.start())
            follows = _NEXT.match(text, at)
            if follows is None:
                break
            at, since = follows.end(), item if follows["range"] else ""


def malformed(text: str) -> Iterator[int]:
    """Yield each place where `text` seems to cite a rule, but not in the form that `citations` reads."""
    read = {each.at for each in citations(text)}
    yield from (found.start() for found in _MALFORMED.finditer(text) if found.start() not in read)


def _items(text: str, number: re.Match[str]) -> tuple[list[str], int]:
    """The rules that a number and the rows or operations after it cite, and where the text goes on."""
    chapter, item, at = number["chapter"], number["item"] or "", number.end()
    found: list[str] = []
    if chapter == "11" and (rows := _ROWS.match(text, at)):
        at, found = rows.end(), [f"{item} row {row}" for row in re.findall(r"\d+", rows[0])]
    elif number[0] == "9" and (oddity := _ODDITY.match(text, at)):
        at, found = oddity.end(), re.findall(r"\d+", oddity[0])
    elif number[0] == "4" and (operations := _OPERATIONS.match(text, at)):
        at, found = operations.end(), _operations(operations[0])
    is_open = "(" in text[number.end() : at] and ")" not in text[number.end() : at]
    remark = (_REST_OF_REMARK if is_open else _REMARK).match(text, at)
    return found or [item], remark.end() if remark else at


def _operations(text: str) -> list[str]:
    """`A023 to A025, A044` is A023, A024, A025 and A044."""
    spans = re.findall(rf"({_OPERATION})(?:{_GAP}to{_GAP}({_OPERATION}))?", text)
    numbers = ((first[0], range(int(first[1:]), int((last or first)[1:]) + 1)) for first, last in spans)
    return [f"{letter}{each:03}" for letter, span in numbers for each in span]


def _between(first: str, last: str) -> list[str]:
    """A range cites the sections between its ends, too."""
    return [str(each) for each in range(int(first) + 1, int(last))] if first and last else []
