"""Reports of an assessment: text for people, JSON for programs, JUnit XML for build servers, a table for sheets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from openers_assurance.assessment import Row, State

DISCLAIMER: Final = "This is a self-assessment. It is no approval by NHS England, and no certificate."
FAILING: Final = {"not-met": frozenset({State.NOT_MET}), "not-seen": frozenset({State.NOT_MET, State.NOT_SEEN})}
"""States that fail a check, by the word of `--fail-on`."""
_CONTROLS: Final = frozenset(range(32)) - {9, 10, 13}
_NOT_TEXT: Final = dict.fromkeys((*_CONTROLS, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF))
"""The characters that XML 1.0 does not allow."""
HEADINGS: Final = ("Id", "Group", "Demand", "Class", "State", "Calls that kept it", "Calls that broke it", "Missing")


def failures(rows: Sequence[Row], fail_on: str) -> Sequence[Row]:
    """Return the automatic requirements whose state fails a check. Raises KeyError for another word."""
    states = FAILING[fail_on]
    return [row for row in rows if row.kind.is_automatic and row.state in states] + [
        row for row in rows if not row.kind.is_automatic and row.state is State.NOT_MET and State.NOT_MET in states
    ]


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return the number of requirements in each state."""
    found = Counter(row.state for row in rows)
    return {str(state): found[state] for state in State}


def as_text(rows: Sequence[Row], exchanges: int) -> str:
    """Return the report as text: the counts, then each group with its requirements."""
    told = ", ".join(f"{count} {state}" for state, count in counts(rows).items() if count)
    lines = [DISCLAIMER, f"{exchanges} exchanges were assessed: {told}."]
    for group, members in groupby(rows, key=lambda row: row.group):
        lines += ["", group, *(line for row in members for line in _lines(row))]
    return "\n".join(lines)


def _lines(row: Row) -> Iterator[str]:
    yield f"  {row.id:8} {row.state:17} {row.demand}"
    for each in row.breaches:
        yield f"           {each.at.isoformat(timespec='milliseconds')} {each.call}: {each.why}"
    if row.state is not State.NOT_MET and row.wanting:
        yield f"           {row.wanting}"


def as_json(rows: Sequence[Row], exchanges: int) -> bytes:
    """Return the report as JSON."""
    body: dict[str, Any] = {
        "disclaimer": DISCLAIMER,
        "exchanges": exchanges,
        "counts": counts(rows),
        "requirements": rows,
    }
    return msgspec.json.format(msgspec.json.encode(body))


def as_junit(rows: Sequence[Row], fail_on: str) -> bytes:
    """Return the report as JUnit XML: a requirement that does not apply, or that only a person can show, is skipped."""
    failed = {row.id for row in failures(rows, fail_on)}
    skipped = [row for row in rows if row.id not in failed and row.state is not State.MET]
    suite = Element("testsuite", name="assurance", tests=str(len(rows)), failures=str(len(failed)))
    suite.set("skipped", str(len(skipped)))
    SubElement(SubElement(suite, "properties"), "property", name="disclaimer", value=DISCLAIMER)
    for row in rows:
        case = SubElement(suite, "testcase", classname=f"assurance.{row.group}", name=f"{row.id} {row.demand}")
        if row.id in failed:
            why = row.breaches[0].why if row.breaches else row.wanting
            text = "\n".join(
                f"{each.at.isoformat()} {each.call}: {each.why} {each.request_id}" for each in row.breaches
            )
            SubElement(case, "failure", message=_clean(why), type=str(row.state)).text = _clean(text)
        elif row.state is not State.MET:
            SubElement(case, "skipped", message=_clean(f"{row.state}: {row.wanting}"))
    return tostring(suite, encoding="utf-8", xml_declaration=True)


def as_table(rows: Sequence[Row]) -> Sequence[Sequence[str]]:
    """Return the report as rows of text below `HEADINGS`."""
    return [
        (row.id, row.group, row.demand, row.kind, row.state, str(row.kept), str(row.broken), row.wanting)
        for row in rows
    ]


def _clean(text: str) -> str:
    """Return a text without characters that XML does not allow."""
    return text.translate(_NOT_TEXT)
