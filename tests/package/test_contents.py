"""The packages contain every file of the source folders, and nothing else: a new package needs no entry anywhere."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable
from email.parser import Parser
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.kit.run.built import Packages
from tests.kit.run.project import ROOT

SOURCE = ROOT / "src"
FOLDERS = sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists())
FILES = {
    str(path.relative_to(SOURCE))
    for name in FOLDERS
    for path in (SOURCE / name).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
NEEDED = [
    "openers/web/templates/*.html",
    "openers_web/assets/*.css",
    "openers/web/site/index.html",
    "openers/worlds/packs/demo.toml",
    "openers/worlds/packs/published/*",
    "openers/store/migrations/versions/*.py",
    "openers/api/examples/*.json",
    "openers/reference/*.csv",
    "openers/paper/fonts/*.ttf",
    "openers/paper/fonts/OFL.txt",
    "openers_portal/content/faq.md",
    "openers_portal/static/*.css",
    "openers_portal/templates/*.html",
    "openers_testpas/pages/templates/*.html",
]
SECRET = re.compile(r"(?i)\.(db|sqlite|key|pem|p12|jks|env|log)$|(^|/)(\.|var/|tests/|dist/|build/)")
BESIDE = {"LICENSE", "THIRD-PARTY-NOTICES", "README.md", "pyproject.toml", "setup.cfg", "PKG-INFO"}


def _of_wheel(built: Packages) -> list[str]:
    with ZipFile(built.wheel) as file:
        return [name for name in file.namelist() if not name.endswith("/")]


def _of_sdist(built: Packages) -> list[str]:
    with tarfile.open(built.sdist) as file:
        return [member.name.partition("/")[2] for member in file.getmembers() if member.isfile()]


def test_the_wheel_has_exactly_the_files_of_the_source_folders(built: Packages) -> None:
    inside = {name for name in _of_wheel(built) if ".dist-info/" not in name}
    assert inside == FILES
    assert [pattern for pattern in NEEDED if not any(fnmatch(name, pattern) for name in inside)] == []


def test_the_sdist_has_what_the_wheel_is_built_from(built: Packages) -> None:
    inside = {name for name in _of_sdist(built) if not re.match(r"src/\w+\.egg-info/", name)}
    assert inside == {f"src/{name}" for name in FILES} | BESIDE


@pytest.mark.parametrize("of", [_of_wheel, _of_sdist])
def test_no_secret_and_no_output_is_inside(built: Packages, of: Callable[[Packages], list[str]]) -> None:
    assert [name for name in of(built) if SECRET.search(name)] == []


@pytest.mark.parametrize("name", FOLDERS)
def test_type_checkers_read_the_types_of_each_package(name: str) -> None:
    assert (SOURCE / name / "py.typed").exists()


def test_the_wheel_says_what_it_is(built: Packages) -> None:
    with ZipFile(built.wheel) as file:
        about = next(name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        told = Parser().parsestr(file.read(about).decode())
        folder = Path(about).parent
        licences = {
            name for name in ("LICENSE", "THIRD-PARTY-NOTICES") if f"{folder}/licenses/{name}" in file.namelist()
        }
        points = file.read(f"{folder}/entry_points.txt").decode()
    assert (told["License-Expression"], told["Requires-Python"]) == ("MIT", ">=3.11")
    assert set(told.get_all("Provides-Extra") or []) >= {"documents", "postgres", "s3", "test-mode"}
    assert licences == {"LICENSE", "THIRD-PARTY-NOTICES"}
    assert "openers = openers.cli.main:app" in points
    assert "openers.testing = openers.testing" in points
