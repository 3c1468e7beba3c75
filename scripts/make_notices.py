"""Write the notices about the packages of others: `THIRD-PARTY-NOTICES`, and a bill of materials in CycloneDX 1.6.

Run it after `make lock` in an environment with the new packages: `make notices`. Names and versions come from
`requirements/run.txt`, licences and their texts from the installed packages; a test reports when that is needed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements/run.txt"
NOTICES: Final = ROOT / "THIRD-PARTY-NOTICES"
BILL: Final = ROOT / "requirements/openers.cdx.json"
ELSEWHERE: Final = {"colorama": "BSD-3-Clause"}
"""Licences of packages that only other platforms install, so that their metadata is not here."""
EXPRESSIONS: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
"""SPDX expressions for licences that older metadata names otherwise."""
SHOWN: Final = ("sphinx",)
"""Packages of the tools whose files are in the documentation site."""
TEXT: Final = re.compile(r"(?i)\.dist-info/(licenses/.*|licen[cs]e[^/]*|copying[^/]*|notice[^/]*)$")
EXTRA: Final = re.compile(r"""extra == ["']([^"']+)""")
BESIDE: Final = re.compile(r"(?i)(licen[cs]e|copying|notice|copyright|ofl|apache-2\.0)(\.(txt|md))?")
"""Names of files in the source folders that hold the licences of the files beside them."""
RULE: Final = "-" * 80
HEAD: Final = """Third-party notices of OpenERS

OpenERS needs the packages below, which pip installs and the container image contains. OpenERS does not contain them.
Written by `make notices` from requirements/run.txt.
"""


class Third(NamedTuple):
    """A package of others: its name and version, its licence as an SPDX expression, and the texts of its licences."""

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]
    requires: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Return its package URL, which identifies it in the bill of materials."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked() -> dict[str, str]:
    """Return name and version of each package that the service installs on any platform."""
    return dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", LOCK.read_text("utf-8")))


def thirds() -> list[Third]:
    """Return every package in the lock. Raises LookupError if the licence of one is not known."""
    return [_third(name, number) for name, number in locked().items()]


def notices() -> str:
    """Return the notices: each package with its licence, then each text once, with the packages that have it."""
    packages = [*thirds(), *(_third(name, version(name)) for name in SHOWN)]
    lines = [f"{each.name} {each.version}: {each.licence}" for each in packages]
    by_text: dict[str, list[str]] = {}
    for each in packages:
        for text in each.texts:
            by_text.setdefault(text, []).append(each.name)
    parts = [f"{RULE}\n{', '.join(names)}\n{RULE}\n\n{text}\n" for text, names in by_text.items()]
    shown = f"The documentation site contains files of {', '.join(SHOWN)}."
    inside = f"{shown} For other files of other projects in OpenERS, these files have the licences:"
    return "\n".join((HEAD, *lines, "", inside, "", *_bundled(), "", *parts))


def bill() -> str:
    """Return the bill of materials. It is the same for the same lock and packages."""
    packages = thirds()
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    own = {"type": "application", "bom-ref": "openers", "name": "openers", "version": version("openers")}
    known = {each.name: each.purl for each in packages}
    told: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "component": {**own, "licenses": [{"license": {"id": "MIT"}}]},
            "properties": [{"name": "openers:sha256 of requirements/run.txt", "value": digest}],
        },
        "components": [
            {
                "type": "library",
                "bom-ref": each.purl,
                "name": each.name,
                "version": each.version,
                "purl": each.purl,
                "licenses": [{"expression": each.licence}],
            }
            for each in packages
        ],
        "dependencies": [
            {"ref": "openers", "dependsOn": _known(_required(distribution("openers"), extras=True), known)},
            *({"ref": each.purl, "dependsOn": _known(each.requires, known)} for each in packages),
        ],
    }
    return json.dumps(told, indent=1) + "\n"


def _known(names: tuple[str, ...], known: dict[str, str]) -> list[str]:
    return sorted({known[name] for name in names if name in known})


def _third(name: str, number: str) -> Third:
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return Third(name, number, ELSEWHERE[name], (), ())
    return Third(name, number, _licence(package), tuple(sorted(set(_texts(package)))), _required(package))


def _licence(package: Distribution) -> str:
    """Return the licence as an SPDX expression: as the metadata says it, or from older fields of it."""
    told = package.metadata
    if told["License-Expression"]:
        return str(told["License-Expression"])
    classified = {
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each.startswith("License ::")
    }
    if len(classified) > 1:
        return " OR ".join(sorted(EXPRESSIONS[each] for each in classified))
    named = str(told["License"] or "") or next(iter(classified), "")
    if not named:
        raise LookupError(f"the metadata of {told['Name']} names no licence: add it to ELSEWHERE")
    return EXPRESSIONS.get(named, named)


def _texts(package: Distribution) -> Iterator[str]:
    for file in package.files or ():
        if TEXT.search(str(file)):
            text = Path(str(file.locate())).read_text("utf-8", "replace")
            yield "\n".join(line.rstrip() for line in text.strip().splitlines())


def _required(package: Distribution, *, extras: bool = False) -> tuple[str, ...]:
    """Return the names of the packages that a package requires, on any platform.

    Those of extras are in it if `extras` is true, or if a package in the lock asks for the extra.
    """
    asked = _extras().get(canonicalize_name(package.name), set[str]())
    named = ((each, EXTRA.findall(str(each.marker or ""))) for each in map(Requirement, package.requires or ()))
    return tuple(canonicalize_name(each.name) for each, of in named if extras or not of or asked & set(of))


@cache
def _extras() -> dict[str, set[str]]:
    """Return the extras of each package that OpenERS or a package in the lock asks for."""
    found: dict[str, set[str]] = {}
    for name in ("openers", *locked()):
        try:
            required = [Requirement(each) for each in distribution(name).requires or ()]
        except PackageNotFoundError:
            continue
        for each in required:
            found.setdefault(canonicalize_name(each.name), set()).update(each.extras)
    return found


def _bundled() -> Iterator[str]:
    """Yield the files that hold licences of other projects' files in the packages."""
    for path in sorted((ROOT / "src").rglob("*")):
        if path.is_file() and BESIDE.fullmatch(path.name):
            yield str(path.relative_to(ROOT / "src"))


def main() -> None:
    """Write both files."""
    NOTICES.write_text(notices(), "utf-8")
    BILL.write_text(bill(), "utf-8")


if __name__ == "__main__":
    main()
