"""The pages of operations: their generated parts are up to date, and each error has its cause and cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.examples.pages import FOLDER, PART, generated

PAGES = sorted(FOLDER.glob("*.md"))
COMMAND = ".venv/bin/python -m tests.kit.examples"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [found[2] for found in PART.finditer(text)] == ["call", "example"]
    assert text == generated(page), f"run {COMMAND}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_error_has_status_code_cause_and_cure(page: Path) -> None:
    errors = page.read_text("utf-8").partition("## Errors\n")[2].partition("## ")[0]
    assert "(../reference/errors.md)" in errors
    rows = [line.strip("|").split("|") for line in errors.splitlines() if line.startswith("|")]
    for row in rows:
        assert len(row) == 4
        assert all(cell.strip() for cell in row)
    assert not rows or [cell.strip() for cell in rows[0]] == ["status", "code", "when", "what to do"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_oddity_names_its_source(page: Path) -> None:
    oddities = re.findall(r"(?m)^- .*$", page.read_text("utf-8").partition("## Oddities kept\n")[2])
    assert [each for each in oddities if not re.search(r"\[[^]]+\]\(\.\./rules/\S+#rule-\S+\)\.$", each)] == []
