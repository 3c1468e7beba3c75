"""Quickly made environments with few packages, linked to those of this environment, so that they need no network."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

from tests.kit.run.project import ROOT

PROGRAM = "#!{python}\nimport sys\n\nfrom openers.cli.main import app\n\nsys.exit(app())\n"


def service_environment(directory: Path) -> Path:
    """Create the environment in `directory` with the packages that `make run` installs; return it."""
    names = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements/run.txt").read_text())
    _link(directory, ["openers", *names])
    program = directory / "bin" / "openers"
    program.write_text(PROGRAM.format(python=directory / "bin" / "python"))
    program.chmod(0o755)
    return directory


def environment_of(wheel: Path, directory: Path, extras: Iterable[str] = (), beside: Iterable[str] = ()) -> Path:
    """Create the environment in `directory` that installing `wheel` makes; return it.

    It has the wheel and the packages that the wheel requires for these `extras`, and no others except those `beside`
    it with what they require. The project's folder is not on its path.
    """
    _link(directory, [*_closure(_required(wheel), frozenset(extras)), *_closure(beside)])
    command = [sys.executable, "-m", "pip", "--python", directory / "bin/python", "install", "--quiet", "--no-index"]
    done = subprocess.run([*command, "--no-deps", wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return directory


def pack_wheels(wheel: Path, folder: Path) -> Path:
    """Write wheels of all packages that `wheel` requires into `folder`, from those of this environment; return it.

    So pip can install `wheel` without network.
    """
    folder.mkdir()
    for name in _closure(_required(wheel)):
        package = _found(name)
        if package is not None:
            _pack(package, folder)
    return folder


def _pack(package: Distribution, folder: Path) -> None:
    """Write the wheel of an installed package."""
    fitting = {str(each) for each in sys_tags()}
    tag = next(each for each in re.findall(r"(?m)^Tag: (.*)$", package.read_text("WHEEL") or "") if each in fitting)
    name = re.sub(r"[-_.]+", "_", package.name)
    kept = [each for each in package.files or () if each.parts[0] != ".." and each.suffix != ".pyc"]
    kept = [each for each in kept if each.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")]
    about = next(each.parent for each in kept if each.name == "METADATA")
    with ZipFile(folder / f"{name}-{package.version}-{tag}.whl", "w") as out:
        for each in kept:
            out.write(str(package.locate_file(each)), str(each))
        out.writestr(f"{about}/RECORD", "".join(f"{each},,\n" for each in (*kept, f"{about}/RECORD")))


def _required(wheel: Path) -> list[str]:
    """Return the requirements of a wheel."""
    with ZipFile(wheel) as file:
        about = next(file.read(name).decode() for name in file.namelist() if name.endswith(".dist-info/METADATA"))
    return re.findall(r"(?m)^Requires-Dist: (.*)$", about)


def _link(directory: Path, names: Iterable[str]) -> None:
    """Create an environment with links to these packages of this environment."""
    venv.create(directory, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(directory), "platbase": str(directory)}))
    for package in filter(None, map(_found, names)):
        for name in {path.parts[0] for path in package.files or ()} - {"..", "__pycache__"}:
            link = packages / name
            if not link.is_symlink():
                link.symlink_to(Path(str(package.locate_file(name))))


def _closure(required: Iterable[str], extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the packages that these requirements install, with the packages that they require in turn."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(_applying(required, extras))
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            package = _found(each[0])
            assert package is not None, f"{each[0]} is required and not installed here"
            waiting += _applying(package.requires or (), each[1])
    return {name for name, _ in seen}


def _applying(required: Iterable[str], extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield names and extras of those requirements that apply on this machine."""
    for requirement in map(Requirement, required):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _found(name: str) -> Distribution | None:
    """Return an installed package, or `None` if it is only for other platforms.

    The search skips the source folder, because build output there does not record where files are.
    """
    return next(iter(Distribution.discover(name=name, path=[sysconfig.get_path("purelib")])), None)
