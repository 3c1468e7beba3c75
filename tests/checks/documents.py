"""Read the commands in the documentation, so that tests can check and run them.

A block that begins with ```` ```sh run ```` can be run in the project's folder. It calls a running demo world at the
address that it names, or at the port in `OPENERS_PORT`. The blocks of one page share a shell, in order, and may use
`TOKEN`. Other blocks are never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FENCE: Final = re.compile(r"(?ms)^(?P<indent> *)```sh(?P<runnable> run)?\n(?P<text>.*?)^ *```$")
CALL: Final = re.compile(
    r"(?:^|[|(;&]\s*|\$\()\s*(?:\.venv/bin/)?(?P<program>make|openers) (?P<rest>[^\n|)]*)", re.MULTILINE
)
NAMED: Final = re.compile(r"`(?:\.venv/bin/)?(?P<program>make|openers) (?P<rest>[a-z][^`]*)`")
ADDRESS: Final = "http://127.0.0.1:8000"
SET_UP: Final = re.compile(r"(?m)^Before you begin: [^`\n]*`make (run|setup-run|setup-test|wheel|image)`")
PAS_ADDRESS: Final = "http://127.0.0.1:8002"


@dataclass(frozen=True)
class Block:
    """One block of commands; `line` is its first line in the page."""

    page: Path
    line: int
    text: str
    is_runnable: bool

    def at(self, base_url: str, pas_url: str = PAS_ADDRESS) -> str:
        """Return the commands with the addresses of this service and this Test PAS."""
        return self.text.replace(ADDRESS, base_url).replace(PAS_ADDRESS, pas_url)


def pages(root: Path) -> list[Path]:
    """Return every page of documentation below the project's folder `root`."""
    return [*sorted(root.glob("*.md")), *sorted(root.glob("docs/**/*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of shell commands of a page, in order."""
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        lines = (each.removeprefix(found["indent"]) for each in found["text"].splitlines())
        yield Block(page, line, "\n".join(lines) + "\n", found["runnable"] is not None)


def set_ups(page: Path) -> list[str]:
    """Return the make targets that a page names as its set-up: at most one."""
    return SET_UP.findall(page.read_text("utf-8"))


def script(page: Path, base_url: str, pas_url: str = PAS_ADDRESS) -> str:
    """Return all runnable blocks of a page as one bash script, which stops at the first failure.

    Run it in the project's folder. `TOKEN` in its environment is an access token of the demo world's referring
    clinician. The script is empty if the page has no runnable block.
    """
    parts = [block.at(base_url, pas_url) for block in blocks(page) if block.is_runnable]
    return "\n".join(("set -euo pipefail", *parts)) if parts else ""


def calls(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the calls of make and openers in a block of commands: the program, and its command words."""
    yield from _chosen(CALL.finditer(text))


def named(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the calls of make and openers in running text."""
    yield from _chosen(NAMED.finditer(text))


def _chosen(found: Iterable[re.Match[str]]) -> Iterator[tuple[str, list[str]]]:
    for each in found:
        words = each["rest"].split()
        until = next((at for at, word in enumerate(words) if not re.fullmatch(r"[a-z][a-z-]*", word)), len(words))
        yield each["program"], words[:until]
