"""The access code: the secret on a patient's letter that, with the UBRN, opens their referral to them.

Source: rules chapters 1.3, 4 (A019) and 6; how it is kept: ADR 0025.
"""

from __future__ import annotations

import re
from typing import Final

from openers.domain.identifiers import Identifier

ALPHABET: Final = "CDFHJKMNPRTVWXY3479"
"""No vowels, which make words, and nothing that looks like something else: 0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U."""
LENGTH: Final = 8
"""34 bits, against a handful of attempts."""
MOST_FAILURES: Final = 5
"""After so many wrong codes in a row a code opens nothing any more, until it is made anew."""
_SEPARATORS: Final = re.compile(r"[\s-]+")


class AccessCode(Identifier):
    """A code in capitals without its space. Its `repr` does not show it, so that no log or traceback does."""

    __slots__ = ()
    pattern = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
    shape = f"{LENGTH} characters of {ALPHABET}"

    def __repr__(self) -> str:
        """That it is one."""
        return "AccessCode(***)"

    def grouped(self) -> str:
        """As printed for people: two groups of four."""
        return f"{self[:4]} {self[4:]}"


def as_typed(text: str) -> str:
    """What somebody typed, in the form of a code: capitals, without spaces and hyphens."""
    return _SEPARATORS.sub("", text).upper()
