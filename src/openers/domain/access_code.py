"""The access code: the secret on a patient's letter that, together with the UBRN, opens the patient's referral.

Source: rules chapters 1.3, 4 (A019) and 6; storage: ADR 0025.
"""

from __future__ import annotations

import re
from typing import Final

from openers.domain.identifiers import Identifier

ALPHABET: Final = "CDFHJKMNPRTVWXY3479"
"""The permitted characters.

Vowels are left out, so that no words arise. So are lookalikes: 0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U.
"""
LENGTH: Final = 8
"""Characters of a code. They hold 34 bits, and only a few attempts are allowed."""
MOST_FAILURES: Final = 5
"""Number of consecutive wrong attempts after which a code is locked, until a new one is created."""
_SEPARATORS: Final = re.compile(r"[\s-]+")


class AccessCode(Identifier):
    """A code in capitals without its space. Its `repr` hides it, so that no log or traceback shows it."""

    __slots__ = ()
    pattern = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
    shape = f"{LENGTH} characters of {ALPHABET}"

    def __repr__(self) -> str:
        """Return a masked representation."""
        return "AccessCode(***)"

    def grouped(self) -> str:
        """Return the code as printed for people: two groups of four."""
        return f"{self[:4]} {self[4:]}"


def as_typed(text: str) -> str:
    """Return `text` in the form of a code: in capitals, without spaces and hyphens."""
    return _SEPARATORS.sub("", text).upper()
