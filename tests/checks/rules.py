"""Check the published rules: every citation has an anchor in `docs/rules`, and generated parts are up to date.

`.venv/bin/python -m tests.checks.rules` rewrites the generated parts: the lines "Cited by", and the tables of
`tests.checks.rule_tables`. `openers.worlds.recording.citations` reads the citations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from openers.worlds.recording.citations import citations, malformed
from tests.checks.rule_tables import with_tables
from tests.checks.source import ROOT, Finding, Source, texts

PAGES: Final = "docs/rules/"
CITING: Final = ("src/", "tests/", "docs/", "bench/", "scripts/")
"""The folders in which citations are checked."""
COMMAND: Final = ".venv/bin/python -m tests.checks.rules"
ANCHOR: Final = re.compile(r'(?m)^<a id="(rules?-[^"]*)"></a>$')
CITED_BY: Final = re.compile(r"(?m)^Cited by: .*\n\n?")

Cited = Mapping[str, Iterable[str]]
"""The paths of the files that cite each anchor."""


def rule_findings(sources: Iterable[Source]) -> Iterator[Finding]:
    """Yield citations without an anchor, duplicate anchors, and pages whose generated parts are out of date."""
    sources = list(sources)
    places = _anchors(sources)
    yield from (finding for source in _citing(sources) for finding in unresolved(source, places))
    yield from _repeated(sources)
    cited = cited_by(sources)
    for page in filter(_is_page, sources):
        if generated(page.text, cited) != page.text:
            yield Finding(page.path, 1, f"its generated parts are out of date: run {COMMAND}")


def unresolved(source: Source, places: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the citations of `source` without an anchor. `places` contains the page of each anchor."""
    for at in malformed(source.text):
        text = source.text[at : at + 30].partition("\n")[0]
        what = f"{text!r} is not read as a citation: write it in a form that {PAGES}README.md lists"
        yield Finding(source.path, _line(source, at), what)
    for each in citations(source.text):
        if each.anchor not in places:
            what = f"{each} is not in {PAGES}: correct the citation, or publish the rule under the anchor {each.anchor}"
            yield Finding(source.path, _line(source, each.at), what)
        elif f"{PAGES}{each.page}.md" != places[each.anchor]:
            what = f"the address of {each} is {each.address}, but its anchor is in {places[each.anchor]}: mend one"
            yield Finding(source.path, _line(source, each.at), what)


def cited_by(sources: Iterable[Source]) -> Cited:
    """Return the files of the service, its tests and benchmarks that cite each anchor."""
    cited: dict[str, set[str]] = defaultdict(set)
    for source in _citing(sources):
        if not source.path.startswith("docs/"):
            for each in citations(source.text):
                cited[each.anchor].add(source.path)
    return cited


def generated(page: str, cited: Cited) -> str:
    """Return the page with its tables and its lines "Cited by" up to date."""
    text = CITED_BY.sub("", with_tables(page))
    starts = [found.start() for found in ANCHOR.finditer(text)]
    if not starts:
        return text
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return text[: starts[0]] + "\n".join(_with_links(part, cited) for part in parts)


def _with_links(part: str, cited: Cited) -> str:
    """Return one rule with the line of links to the files that cite it."""
    found = ANCHOR.match(part)
    paths = sorted(cited.get(found[1], ())) if found else []
    links = ", ".join(f"[{_short(path)}](../../{path})" for path in paths)
    return f"{part.rstrip()}\n\nCited by: {links}.\n" if links else f"{part.rstrip()}\n"


def _short(path: str) -> str:
    return f"`{path.removeprefix('src/openers/').removesuffix('.py')}`"


def _anchors(sources: Iterable[Source]) -> dict[str, str]:
    """Return the page of each anchor."""
    return {found[1]: page.path for page in filter(_is_page, sources) for found in ANCHOR.finditer(page.text)}


def _repeated(sources: Iterable[Source]) -> Iterator[Finding]:
    """Yield anchors that occur twice."""
    seen: set[str] = set()
    for page in filter(_is_page, sources):
        for found in ANCHOR.finditer(page.text):
            if found[1] in seen:
                yield Finding(page.path, _line(page, found.start()), f"the anchor {found[1]} exists twice")
            seen.add(found[1])


def _citing(sources: Iterable[Source]) -> Iterator[Source]:
    return (source for source in sources if source.path.startswith(CITING))


def _is_page(source: Source) -> bool:
    return source.path.startswith(PAGES)


def _line(source: Source, at: int) -> int:
    return source.text.count("\n", 0, at) + 1


def main() -> None:
    """Rewrite the generated parts of all pages."""
    sources = list(texts())
    cited = cited_by(sources)
    for page in filter(_is_page, sources):
        (ROOT / page.path).write_text(generated(page.text, cited), "utf-8")


if __name__ == "__main__":
    main()
