"""Find texts again that were masked elsewhere, whole words at a time, in time that grows with the text alone."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from openers.telemetry.redaction import LONGEST, MASK

_WORD: Final = re.compile(r"\w+")
_WORDS: Final = 4
"""By how many of its first words a text is known. What begins like a longer text is masked up to its end."""


class Repeats:
    """Remembers texts by their first words."""

    def __init__(self) -> None:
        """None is known yet."""
        self._beginnings: dict[tuple[str, ...], bool] = {}

    def remember(self, text: str) -> None:
        """Mask this text wherever it comes again."""
        words = tuple(match[0] for match in islice(_WORD.finditer(text, 0, LONGEST), _WORDS + 1))
        if words:
            beginning, is_longer = words[:_WORDS], len(words) > _WORDS
            self._beginnings[beginning] = is_longer or self._beginnings.get(beginning, False)

    def masked(self, text: str) -> str:
        """Return `text` with a mask for each text that is remembered. Looks at the first `LONGEST` characters."""
        if not self._beginnings:
            return text
        words = list(_WORD.finditer(text, 0, LONGEST))
        names = tuple(word[0] for word in words)
        parts, done, at = list[str](), 0, 0
        while at < len(words):
            known = next((size for size in range(_WORDS, 0, -1) if names[at : at + size] in self._beginnings), 0)
            if known:
                parts += (text[done : words[at].start()], MASK)
                done = words[min(at + known, len(words)) - 1].end()
                if self._beginnings[names[at : at + known]]:
                    return "".join(parts)
            at += known or 1
        return "".join((*parts, text[done:]))
