"""Creates access codes and encrypts them with AES-256-GCM, bound to their UBRN.

The key is stored outside the database. `openers.bootstrap` wires this in. An encrypted code is a nonce of 12 bytes
followed by the output of AES-GCM. ADR 0025.
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
    """The `CodeSeal` port with AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        """Use `key`, which has 32 bytes."""
        self._cipher = AESGCM(key)

    def draw(self) -> AccessCode:
        """Return a new random code."""
        return AccessCode("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))

    def close(self, code: AccessCode, ubrn: Ubrn) -> bytes:
        """Return the encrypted code."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, code.encode(), ubrn.encode())

    def open(self, sealed: bytes, ubrn: Ubrn) -> AccessCode:
        """Return the decrypted code. Raises Unavailable if it was encrypted under another key, or for another UBRN."""
        try:
            code = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], ubrn.encode())
        except (InvalidTag, ValueError) as error:
            raise Unavailable("access codes: the key file does not belong to this database") from error
        return AccessCode(code.decode())

    def fits(self, sealed: bytes, ubrn: Ubrn, typed: str) -> bool:
        """Return whether `typed` is the code; the time taken does not reveal where they differ. Raises as `open`."""
        return same(self.open(sealed, ubrn), typed)
