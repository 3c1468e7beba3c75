"""Opaque secrets (tokens, codes and handles) and the digests under which they are stored.

They always come from `secrets`, never from a world's seeded ids.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Final

SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a new secret of 256 bits in characters that are safe in addresses."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(*parts: str) -> str:
    """Return the SHA-256, in hexadecimal, under which a secret (or a pair that belongs together) is stored."""
    return sha256("\n".join(parts).encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Return whether two texts are equal; the time taken does not reveal where they differ."""
    return secrets.compare_digest(one.encode(), other.encode())
