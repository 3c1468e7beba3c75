"""Opaque secrets: tokens, codes and handles that mean nothing by themselves, and the digest they are kept under.

Always from `secrets`, never from a world's seeded ids.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Final

SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A fresh secret of 256 bits in characters that are safe in addresses."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(*parts: str) -> str:
    """The SHA-256 under which a secret (or a pair that belongs together) is kept, hexadecimal."""
    return sha256("\n".join(parts).encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that says nothing about where they differ."""
    return secrets.compare_digest(one.encode(), other.encode())
