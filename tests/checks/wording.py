"""Words that have no place in any committed text: hosts of package registries, paths of one machine, how it was made.

The patterns are written so that none of them matches its own text here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.checks.source import Finding, Source

RULES: Final = (
    (
        re.compile(r"(?:py[p]i|pythonhosted|n[p]mjs|crates|rubygems|proxy[.]golang|debian|ubuntu)[.](?:org|com|io)\b"),
        "the host of a package registry",
    ),
    (re.compile(r"(?<![\w.])/(?:work/(?:main|shared)|root/|home/\w+/|Users/\w+/|opt/py)"), "a path of one machine"),
    (
        re.compile(
            r"\b(?:cl[a]ude|ch[a]tgpt|cop[i]lot|anthr[o]pic|op[e]nai|l[l]ms?|language [m]odels?)\b", re.IGNORECASE
        ),
        "how it was made",
    ),
    (re.compile(r"\b(?:sub-?[a]gents?|[h]elpers?)\b", re.IGNORECASE), "a word that names nothing of the domain"),
    (re.compile(r"\bi[s]sue\s*#?\d", re.IGNORECASE), "a number of a workplace tool"),
)


def unwelcome(source: Source) -> Iterator[Finding]:
    """Yield every place at which a rule's pattern matches."""
    for number, line in enumerate(source.lines, start=1):
        for pattern, what in RULES:
            found = pattern.search(line)
            if found:
                yield Finding(source.path, number, f"{found[0]!r} is {what}")
