"""What is said about the packages of others agrees with the lock and with the packages themselves."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from tests.kit.run.project import ROOT

LOCK: Final = (ROOT / "requirements/run.txt").read_text()
NOTICES: Final = (ROOT / "THIRD-PARTY-NOTICES").read_text()
BILL: Final[dict[str, Any]] = json.loads((ROOT / "requirements/openers.cdx.json").read_text())
PINS: Final = dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", LOCK))
CURE: Final = "run `make notices`"
PERMISSIVE: Final = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "Zlib"}
"""Licences under whose terms anybody may distribute the image: ADR 0019."""


def test_the_bill_is_valid_cyclonedx() -> None:
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(BILL))
    assert found is None


def test_the_bill_has_the_packages_of_the_lock() -> None:
    told = {each["name"]: each["version"] for each in BILL["components"]}
    assert told == PINS, CURE
    digest = hashlib.sha256(LOCK.encode()).hexdigest()
    assert digest in {each["value"] for each in BILL["metadata"]["properties"]}, CURE


def test_the_bill_knows_what_needs_what() -> None:
    """Every package is reached from OpenERS, and OpenERS needs what its project file declares."""
    graph: dict[str, list[str]] = {each["ref"]: each["dependsOn"] for each in BILL["dependencies"]}
    assert set(graph) == {each["bom-ref"] for each in BILL["components"]} | {"openers"}
    seen, waiting = {"openers"}, ["openers"]
    while waiting:
        new = set(graph[waiting.pop()]) - seen
        seen |= new
        waiting += new
    assert seen == set(graph)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared: list[str] = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        declared += extra
    direct = {each.partition("/")[2].partition("@")[0] for each in graph["openers"]}
    assert {Requirement(each).name for each in declared} == direct, CURE


@pytest.mark.parametrize("component", BILL["components"], ids=lambda each: each["name"])
def test_each_licence_is_permissive_and_told(component: dict[str, Any]) -> None:
    """The expression has only SPDX names of permissive licences, and the notices say the same."""
    (licence,) = component["licenses"]
    assert set(re.split(" AND | OR ", licence["expression"])) <= PERMISSIVE
    line = f"\n{component['name']} {component['version']}: {licence['expression']}\n"
    assert line in NOTICES, CURE


@pytest.mark.parametrize("name", PINS)
def test_the_notices_have_the_licence_of_each_package(name: str) -> None:
    """They contain every licence file that an installed package has. Packages of other platforms are not here."""
    try:
        paths = [
            path for path in files(name) or () if re.search(r"\.dist-info/(licenses/|LICEN[CS]E|COPYING)", str(path))
        ]
    except PackageNotFoundError:
        pin = next(line for line in LOCK.splitlines() if line.startswith(f"{name}=="))
        assert " ; " in pin
        return
    for path in paths:
        text = re.sub(r"[ \t]+\n", "\n", Path(str(path.locate())).read_text("utf-8", "replace").strip())
        assert text.replace("\r\n", "\n") in NOTICES, CURE


def test_licences_of_files_in_the_package_are_listed() -> None:
    beside = [path for path in (ROOT / "src").rglob("*") if re.match(r"(?i)(licen[cs]e|ofl|copyright)\b", path.name)]
    assert beside
    assert [path for path in beside if f"\n{path.relative_to(ROOT / 'src')}\n" not in NOTICES] == [], CURE
