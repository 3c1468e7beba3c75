"""Sealed texts: an NHS number in an address, which only this application can read or make.

Addresses are kept in histories and logs, so they hold no identifier of a patient. The same number has another seal in
each application.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES: Final = 64
LONGEST: Final = 200


class Seal:
    """Seals and opens texts with one key (AES-SIV, RFC 5297), which gives equal texts equal seals."""

    def __init__(self, key: bytes) -> None:
        """Use a key of 64 bytes."""
        self._cipher = AESSIV(key)

    def seal(self, text: str) -> str:
        """Return the sealed text, for an address."""
        return urlsafe_b64encode(self._cipher.encrypt(text.encode(), None)).rstrip(b"=").decode()

    def open(self, sealed: str) -> str | None:
        """Return the text; `None` if it was not sealed here."""
        if len(sealed) > LONGEST:
            return None
        try:
            raw = urlsafe_b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4))
            return self._cipher.decrypt(raw, None).decode()
        except (ValueError, InvalidTag):
            return None
