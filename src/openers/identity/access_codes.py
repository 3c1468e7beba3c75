"""Draws access codes and seals them by AES-256-GCM under a key that lives outside the store; the UBRN is bound in.

Wired by `openers.bootstrap`. A sealed code is a nonce of 12 bytes and what AES-GCM makes of the code. ADR 0025.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openers.domain.access_code import ALPHABET, LENGTH, AccessCode
from openers.domain.errors import Unavailable
from openers.domain.identifiers import Ubrn
from openers.identity.opaque import same

NONCE_BYTES: Final = 12


class AesCodeSeal:
    """The `CodeSeal` port."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._cipher = AESGCM(key)

    def draw(self) -> AccessCode:
        """A fresh code."""
        return AccessCode("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))

    def close(self, code: AccessCode, ubrn: Ubrn) -> bytes:
        """The code, sealed."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, code.encode(), ubrn.encode())

    def open(self, sealed: bytes, ubrn: Ubrn) -> AccessCode:
        """The code that was sealed. Raises Unavailable: sealed under another key, or for another UBRN."""
        try:
            code = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], ubrn.encode())
        except (InvalidTag, ValueError) as error:
            raise Unavailable("access codes: the key file is not that of this database") from error
        return AccessCode(code.decode())

    def fits(self, sealed: bytes, ubrn: Ubrn, typed: str) -> bool:
        """Whether `typed` is the code, in a time that says nothing about where it differs. Raises as `open`."""
        return same(self.open(sealed, ubrn), typed)
