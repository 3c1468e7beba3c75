"""Find previously masked texts again by whole words, in time proportional to the text."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from openers.telemetry.redaction import LONGEST, MASK

_WORD: Final = re.compile(r"\w+")
_WORDS: Final = 4
"""Number of first words that identify a text. A text that begins like a longer one is masked to its end."""


class Repeats:
    """Remembers texts by their first words."""

    def __init__(self) -> None:
        """Start without texts."""
        self._beginnings: dict[tuple[str, ...], bool] = {}

    def remember(self, text: str) -> None:
        """Mask this text wherever it occurs again."""
        words = tuple(match[0] for match in islice(_WORD.finditer(text, 0, LONGEST), _WORDS + 1))
        if words:
            beginning, is_longer = words[:_WORDS], len(words) > _WORDS
            self._beginnings[beginning] = is_longer or self._beginnings.get(beginning, False)

    def masked(self, text: str) -> str:
        """Return `text` with each remembered text masked. Reads only the first `LONGEST` characters."""
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
