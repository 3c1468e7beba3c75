"""A quickly made environment with only the packages that `make run` installs, linked to those of this environment."""

from __future__ import annotations

import re
import sysconfig
import venv
from importlib.metadata import Distribution
from pathlib import Path

from tests.kit.run.project import ROOT

PROGRAM = "#!{python}\nimport sys\n\nfrom openers.cli.main import app\n\nsys.exit(app())\n"


def service_environment(directory: Path) -> Path:
    """Create the environment in `directory`, with links to the packages of `requirements/run.txt`; return it."""
    venv.create(directory, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(directory), "platbase": str(directory)}))
    names = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements/run.txt").read_text())
    for package in filter(None, map(_found, ["openers", *names])):
        for name in {path.parts[0] for path in package.files or ()} - {"..", "__pycache__"}:
            link = packages / name
            if not link.is_symlink():
                link.symlink_to(Path(str(package.locate_file(name))))
    program = directory / "bin" / "openers"
    program.write_text(PROGRAM.format(python=directory / "bin" / "python"))
    program.chmod(0o755)
    return directory


def _found(name: str) -> Distribution | None:
    """Return an installed package, or `None` if it is only for other platforms.

    The search skips the source folder, because build output there does not record where files are.
    """
    return next(iter(Distribution.discover(name=name, path=[sysconfig.get_path("purelib")])), None)
