"""The documentation matches the project: commands exist, links work, and tables agree with the code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openers.api.operation import Operation
from openers.api.registry import all_operations
from openers.domain.lifecycle import diagram
from openers.settings import Settings
from openers.wire.dialect import Outcome
from openers.wire.versions import VERSIONS
from tests.checks import documents
from tests.checks.documents import Block
from tests.kit.run.project import ROOT

PAGES = documents.pages(ROOT)
BLOCKS = [block for page in PAGES for block in documents.blocks(page)]
GUIDES = [page for folder in ("how-to", "tutorial") for page in sorted((ROOT / "docs" / folder).glob("*.md"))]
SECTIONS = ("Request", "Reply", "Errors", "Example", "Oddities kept")


def _name(value: Path | Block) -> str:
    page = value if isinstance(value, Path) else value.page
    line = "" if isinstance(value, Path) else f":{value.line}"
    return f"{page.relative_to(ROOT)}{line}"


def _targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))


def _exists(program: str, words: list[str]) -> bool:
    """Return whether make has the target, or openers the command, that `words` name."""
    if program == "make":
        return set(words[:1]) <= _targets()
    from openers.cli.main import app

    return CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


@pytest.mark.needs("bash")
@pytest.mark.parametrize("block", BLOCKS, ids=_name)
def test_every_block_is_valid_shell(block: Block) -> None:
    checked = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("block", BLOCKS, ids=_name)
def test_every_command_of_a_block_exists(block: Block) -> None:
    assert [call for call in documents.calls(block.text) if not _exists(*call)] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    assert [call for call in documents.named(page.read_text()) if not _exists(*call)] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.is_runnable], ids=_name)
def test_files_that_runnable_commands_use_exist(block: Block) -> None:
    assert [file for file in re.findall(r"docs/[\w/-]+\.\w+", block.text) if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("page", GUIDES, ids=_name)
def test_every_guide_names_the_set_up_that_it_needs(page: Path) -> None:
    """Runnable commands need a running service or the test set-up. `test_docs_commands.py` runs them in that set-up."""
    runs = any(block.is_runnable for block in documents.blocks(page))
    possible = {"run", "setup-run", "setup-test", "wheel", "image"} if runs else {"setup-run", "wheel"}
    assert len(documents.set_ups(page)) == 1
    assert set(documents.set_ups(page)) <= possible


def test_the_first_test_of_the_documentation_runs() -> None:
    """The same example is in a test module."""
    shown = (ROOT / "docs/contributing/first-test.md").read_text().partition("```python\n")[2].partition("```")[0]
    assert shown
    assert shown in (ROOT / "tests/api/test_first.py").read_text()


def test_the_readme_sets_up_by_exactly_two_commands() -> None:
    shown = [block.text for block in documents.blocks(ROOT / "README.md") if not block.is_runnable]
    assert shown == ["make run\n", "make test\n"]


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 120
    assert len(text.split()) <= 900


@pytest.mark.parametrize("page", sorted((ROOT / "docs/operations").glob("*.md")), ids=_name)
def test_pages_of_operations_have_the_same_sections(page: Path) -> None:
    assert tuple(re.findall(r"(?m)^## (.*)$", page.read_text())) == SECTIONS


def test_every_operation_has_its_page_and_every_page_its_operation() -> None:
    pages = {path.stem for path in (ROOT / "docs/operations").glob("*.md")}
    assert pages == {path.stem.partition("_")[0] for path in (ROOT / "src/openers/api/operations").glob("[ax]*.py")}
    assert pages == {operation.id.lower() for operation in all_operations()}


@pytest.mark.parametrize("operation", all_operations(), ids=lambda each: f"{each.id} {each.path}")
def test_the_page_of_an_operation_says_what_it_declares(operation: Operation) -> None:
    page = (ROOT / f"docs/operations/{operation.id.lower()}.md").read_text()
    rows = dict(re.findall(r"(?m)^\| (call|people|applications|success) \| (.*) \|$", page))
    assert f"`{operation.method} {operation.path}" in rows["call"]
    assert rows["success"].startswith(f"{operation.success},")
    assert ("`ETag`" in rows["success"]) == operation.etag
    assert (rows["applications"] == "no") == (not operation.applications)
    assert set(re.findall(r"[A-Z_]{5,}", rows["people"])) == (operation.roles or frozenset())


def test_the_diagram_of_the_lifecycle_is_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in (ROOT / "docs/explanation/lifecycle.md").read_text()


def test_every_setting_has_a_row() -> None:
    rows = re.findall(r"(?m)^\| `OPENERS_(\w+)`", (ROOT / "docs/reference/settings.md").read_text())
    assert rows == [name.upper() for name in Settings.__struct_fields__]


@pytest.mark.parametrize("table", [each.outcomes for each in VERSIONS], ids=[each.name for each in VERSIONS])
def test_every_error_code_is_explained(table: dict[type[Exception], Outcome]) -> None:
    page = (ROOT / "docs/reference/errors.md").read_text()
    assert [each.code for each in table.values() if each.code not in page] == []


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared: list[str] = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        declared += extra
    table = (ROOT / "docs/adr/0019-dependencies.md").read_text()
    reasons = {name for row in re.findall(r"(?m)^\| ([\w, -]+) \|", table) for name in row.split(", ")} - {"package"}
    assert {re.split(r"[\[><=;]", each)[0] for each in declared} == reasons


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/adr"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_calls_are_found_wherever_they_stand() -> None:
    text = "T=$(.venv/bin/openers token user 1)\nmake run | cat\nopeners world load demo --now\n"
    assert list(documents.calls(text)) == [
        ("openers", ["token", "user"]),
        ("make", ["run"]),
        ("openers", ["world", "load", "demo"]),
    ]


def test_the_script_of_a_page_has_its_runnable_blocks_at_the_address_given(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```sh run\ncurl {documents.ADDRESS}/a\n```\n\n```sh\nmake run\n```\n\n  ```sh run\n  b\n  ```\n")
    assert documents.script(page, "http://other:1") == "set -euo pipefail\ncurl http://other:1/a\n\nb\n"


def test_a_page_without_runnable_blocks_has_no_script(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nmake run\n```\n")
    assert documents.script(page, "http://other:1") == ""
