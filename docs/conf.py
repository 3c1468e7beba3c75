"""Builds the documentation site from this folder: navigation by section, our own theme, links into the repository.

`make docs` runs it; `scripts/build_docs.py` names the output. Nothing is loaded from the network.
Source: ADR 0053.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.search.en import SearchEnglish

DOCS = Path(__file__).parent
ROOT = DOCS.parent

project = "OpenERS"
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = ["theme"]
suppress_warnings = [
    "toc.not_included",  # `_sections` checks instead that each page has a section
    "myst.header",  # a rule within a chapter has a fourth-level heading in the file, and the site nests it
]
myst_heading_anchors = 6
highlight_language = "none"
html_theme = "theme"
html_theme_path = ["."]
html_copy_source = False
html_show_copyright = False
html_use_index = False
language = "en"
smartquotes = False

SECTIONS = (
    ("Start", ("index", "faq")),
    ("Tutorials", ("tutorial/first-referral", "tutorial/*")),
    ("How-to guides", ("how-to/*",)),
    ("Operations", ("operations/*",)),
    ("Rules", ("rules/README", "rules/index", "rules/*")),
    ("Reference", ("reference/*",)),
    ("Explanation", ("explanation/*",)),
    ("Decisions", ("adr/README", "adr/*")),
    ("Contributing", ("contributing/contributing", "contributing/*")),
)
"""The sections of the navigation, in order: title and page names. A section without pages is not shown."""
BY_NAME = {"Operations", "Rules", "Decisions"}
"""Sections in the order of their file names, which have numbers. The others are in the order of their titles."""
FROM_ELSEWHERE = {
    "contributing/contributing": "CONTRIBUTING.md",
    "faq": "src/openers_portal/content/faq.md",
    "reference/release-notes": "CHANGELOG.md",
    "reference/security": "SECURITY.md",
}
"""Pages that show a file of the repository from outside of this folder."""
LINK = re.compile(r"(!?)\[([^\]\n]*(?:\n[^\]\n]*)?)\]\(([^)\s#]+)(#[^)\s]*)?\)")
ANCHOR = re.compile(r'(?m)^<a id="([\w-]+)"></a>$')
"""An anchor as every reader of Markdown shows it; Sphinx checks links only to anchors in its own form."""


def _read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace a page by its file from elsewhere, and adapt anchors and links to files outside of the site."""
    folder = (DOCS / docname).parent
    if docname in FROM_ELSEWHERE:
        file = ROOT / FROM_ELSEWHERE[docname]
        app.env.note_dependency(str(file))
        source[0], folder = file.read_text("utf-8"), file.parent
    here = (DOCS / docname).parent
    source[0] = ANCHOR.sub(r"(\1)=", LINK.sub(lambda link: _link(link, folder, here), source[0]))


def _link(link: re.Match[str], folder: Path, here: Path) -> str:
    """Return a link of a page in `here`, whose text was written in `folder`, as it works in the site."""
    image, text, target, anchor = link.groups()
    if "://" in target or target.startswith(("mailto:", "/")):
        return link[0]
    path = Path(os.path.normpath(folder / target))
    page = next((DOCS / f"{page}.md" for page, file in FROM_ELSEWHERE.items() if path == ROOT / file), None)
    if page is None and path.is_dir() and path.is_relative_to(DOCS):
        page = next((path / name for name in ("README.md", "index.md") if (path / name).exists()), None)
        page = page or next(iter(sorted(path.glob("*.md"))), None)
    if page is None and path == ROOT / "README.md":
        page = DOCS / "index.md"
    if page is None and path.exists() and not path.is_relative_to(DOCS):
        return text  # a file that the site does not have: its name is enough
    return f"{image}[{text}]({os.path.relpath(page or path, here)}{anchor or ''})"


def _sections(app: Sphinx, env: BuildEnvironment) -> None:
    """Raise ExtensionError if a page is in no section."""
    listed = {page for _, pages in _navigation(env) for page, _ in pages}
    lost = sorted(env.found_docs - listed)
    if lost:
        raise ExtensionError(f"no section of docs/conf.py shows {', '.join(lost)}")


@cache
def _navigation(env: BuildEnvironment) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the sections that have pages; each page as its name and title."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    seen: set[str] = set()
    for section, patterns in SECTIONS:
        pages: list[tuple[str, str]] = []
        for pattern in patterns:
            names = {name for name in env.found_docs if fnmatch(name, pattern)} - seen
            titled = [(name, env.titles[name].astext()) for name in names]
            pages += sorted(titled, key=lambda page: page[section not in BY_NAME].casefold())
            seen |= names
        if pages:
            found.append((section, pages))
    return found


def _add_navigation(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    context["sections"] = _navigation(app.env)


class RememberingEnglish(SearchEnglish):
    """English for the search index. It remembers stems, which saves a quarter of the build."""

    def __init__(self, options: dict[str, str]) -> None:
        """Remember nothing yet."""
        super().__init__(options)
        self.stem = cache(super().stem)


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    for name in ("mermaid", "http"):  # diagrams as text; requests with placeholders, which the lexer of HTTP refuses
        app.add_lexer(name, TextLexer)
    app.add_search_language(RememberingEnglish)
    app.connect("source-read", _read_source)
    app.connect("env-check-consistency", _sections)
    app.connect("html-page-context", _add_navigation)
