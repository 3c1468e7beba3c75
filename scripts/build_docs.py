"""Build the documentation site, which the service serves at `/docs`, into `src/openers/web/site`.

`build_docs.py` builds everything anew, and a warning is an error (`make docs`). With `--if-changed` it builds only if a
file that the site is made of has changed, and never fails: the service runs without its documentation (the set-up).
"""

from __future__ import annotations

import gc
import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SITE: Final = ROOT / "src/openers/web/site"
WORK: Final = ROOT / "build/docs"
"""What Sphinx remembers of the pages, and the new site until it is complete."""
STAMP: Final = ROOT / "build/docs.sha256"


def main() -> int:
    """Return the exit status: 0 if the site is there."""
    digest = _digest()
    if "--if-changed" not in sys.argv[1:]:
        return _build(digest, ["--fresh-env", "--fail-on-warning"])
    if SITE.is_dir() and STAMP.exists() and STAMP.read_text() == digest:
        return 0
    print("building the documentation", flush=True)
    if _build(digest, []) != 0:
        print("the documentation could not be built (the lines above say why); the service runs without it")
    return 0


def _build(digest: str, options: list[str]) -> int:
    """Build into a folder of its own, then replace the site, so that a failed build leaves the old one in place."""
    from sphinx.cmd.build import build_main  # takes a second to import, and most calls find nothing to do

    gc.disable()  # a short life with many nodes: a sixth of the time
    began = perf_counter()
    shutil.rmtree(WORK / "html", ignore_errors=True)
    arguments = [*options, "--quiet", "--builder", "html", "--doctree-dir", str(WORK / "doctrees")]
    status = build_main([*arguments, str(ROOT / "docs"), str(WORK / "html")])
    if status != 0:
        return status
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(WORK / "html", SITE, ignore=shutil.ignore_patterns(".buildinfo", "_sources", "objects.inv"))
    STAMP.write_text(digest)
    count = len(list(SITE.rglob("*.html")))
    print(f"{count} pages of documentation in {SITE.relative_to(ROOT)}, {perf_counter() - began:.1f} s")
    return 0


def _digest() -> str:
    """Return a digest of everything that the site is made of."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _inputs():
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    yield from (path for path in sorted((ROOT / "docs").rglob("*")) if path.is_file() and path.suffix != ".pyc")
    yield from sorted(ROOT.glob("*.md"))
    yield from (ROOT / "requirements/docs.txt", Path(__file__))


if __name__ == "__main__":
    sys.exit(main())
