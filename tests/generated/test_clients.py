"""The clients of "Generate a client": each section of the page runs as it stands, and its code has every operation."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from openers.api.registry import all_operations
from openers.testing import TestedService
from tests.generated.tools import Tools, run
from tests.kit.run.project import ROOT

pytestmark = pytest.mark.needs("bash", "curl")
PAGE: Final = ROOT / "docs" / "how-to" / "generate-a-client.md"
OPERATIONS: Final = len(all_operations())
BASE: Final = "http://127.0.0.1:8000"
GP: Final = "555073103100"
MADE: Final = re.compile(r"(?m)^\d{12} active")


def commands_of(section: str) -> str:
    """Return the commands of a section of the page."""
    text = PAGE.read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```", text))


def ran(tools: Tools, service: TestedService, section: str) -> str:
    """Run a section in the folder of the tools; return what it prints."""
    folder = tools.folder
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / "node_modules").symlink_to(tools.packages)
    begun = httpx.post(f"{service.base_url}/_test/sessions", json={"user": GP}).json()
    environment = {"FHIR_URL": f"{service.base_url}/referrals/FHIR", "TOKEN": str(begun["access_token"])}
    done = run(["bash", "-euc", commands_of(section).replace(BASE, service.base_url)], folder, environment)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def faults_of(tools: Tools, *names: str) -> list[dict[str, Any]]:
    """Return the findings of pyright in generated Python."""
    command = ["pyright", "--outputjson", "--pythonpath", str(tools.interpreter), *names]
    found: list[dict[str, Any]] = json.loads(run(command, tools.folder).stdout)["generalDiagnostics"]
    return found


def functions_of(folder: Path) -> int:
    """Return how many modules of generated Python make a call."""
    trees = [ast.parse(each.read_text("utf-8")) for each in (folder / "ers_client" / "api").rglob("*.py")]
    functions = [node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return functions.count("sync_detailed")


Record = Callable[[str, object], None]


def of_all(tool: str, found: int) -> str:
    """Return how many operations a tool has made, as text for the end of the run."""
    return f"{tool}: {found} of {OPERATIONS} operations"


def test_python_client(tools: Tools, served: TestedService, record_property: Record) -> None:
    assert MADE.search(ran(tools, served, "Python client"))
    assert functions_of(tools.folder) == OPERATIONS
    record_property("figure", of_all("openapi-python-client", functions_of(tools.folder)))
    found = [each for each in faults_of(tools, "ers_client") if not each["file"].endswith("/client.py")]
    assert found == [], "client.py is the same for every document"


def test_python_models(tools: Tools, served: TestedService, record_property: Record) -> None:
    assert MADE.search(ran(tools, served, "Python models"))
    assert faults_of(tools, "ers_models.py") == []
    names = re.findall(r"(?m)^class (\w+)", (tools.folder / "ers_models.py").read_text("utf-8"))
    wanted = set(json.loads((tools.folder / "ers.json").read_text("utf-8"))["components"]["schemas"])
    record_property("figure", f"datamodel-code-generator: {len(wanted & set(names))} of {len(wanted)} named schemas")
    assert [name for name in names if re.search(r"(?<!R)\d$", name)] == [], "names that the generator had to number"


def test_typescript_client(tools: Tools, served: TestedService, record_property: Record) -> None:
    assert MADE.search(ran(tools, served, "TypeScript client"))
    calls = re.findall(r"(?m)^export const \w+ = ", (tools.folder / "ers" / "sdk.gen.ts").read_text("utf-8"))
    assert len(calls) == OPERATIONS
    record_property("figure", of_all("@hey-api/openapi-ts", len(calls)))


def test_typescript_types(tools: Tools, served: TestedService, record_property: Record) -> None:
    assert MADE.search(ran(tools, served, "TypeScript types"))
    text = (tools.folder / "ers.ts").read_text("utf-8").partition("export interface operations {")[2]
    found = len(re.findall(r'(?m)^    "?[ax]\d{3}-', text))
    assert found == OPERATIONS
    record_property("figure", of_all("openapi-typescript", found))


def test_fhir_library(tools: Tools, served: TestedService) -> None:
    """A client that believes the CapabilityStatements creates, updates, reads, searches and performs an operation."""
    printed = ran(tools, served, "FHIR library").splitlines()
    assert MADE.search(printed[0])
    assert [each.split()[-1] for each in printed[1:]] == ["booked", "cancelled", "2"]


@pytest.mark.parametrize(
    "command",
    [
        ("redocly", "lint", "ers.json", "--config", str(ROOT / "requirements/npm/redocly.yaml")),
        ("spectral", "lint", "ers.json", "-r", str(ROOT / "requirements/npm/spectral.yaml"), "--fail-severity", "hint"),
    ],
    ids=lambda command: command[0],
)
def test_linter_finds_nothing(tools: Tools, command: tuple[str, ...]) -> None:
    told = tools.node(*command)
    assert "warning" not in told.replace("Deprecation warning", "").lower() or "0 warnings" in told, told
