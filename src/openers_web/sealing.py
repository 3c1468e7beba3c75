"""Encryption of what an application keeps about people: AES-256-GCM, bound to the place where it is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
_NAME: Final = 4
_NONCE: Final = 12


class CannotOpen(Exception):
    """The content was sealed by another key or for another place, or it was changed."""


class Sealer:
    """Seals with the first key and opens with any, so that keys can be replaced one after the other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Keep the keys. Raises ValueError unless there is at least one and each has 32 bytes."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"at least one key of {KEY_BYTES} bytes is needed")
        self._keys = tuple(keys)
        self._by_name = {_name(key): AESGCM(_derived(key, "seal")) for key in keys}

    def seal(self, content: bytes, place: bytes) -> bytes:
        """Return the content, encrypted for one place."""
        name, nonce = _name(self._keys[0]), secrets.token_bytes(_NONCE)
        return name + nonce + self._by_name[name].encrypt(nonce, content, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Return the content. Raises CannotOpen."""
        cipher = self._by_name.get(sealed[:_NAME])
        if cipher is None:
            raise CannotOpen
        try:
            return cipher.decrypt(sealed[_NAME : _NAME + _NONCE], sealed[_NAME + _NONCE :], place)
        except InvalidTag as error:
            raise CannotOpen from error

    def derived(self, purpose: str) -> bytes:
        """Return a key for another purpose, such as form tokens."""
        return _derived(self._keys[0], purpose)


def digest(secret: str) -> bytes:
    """Return the digest under which a secret is stored, so that the store does not hold the secret."""
    return hashlib.sha256(secret.encode()).digest()


def _name(key: bytes) -> bytes:
    return _derived(key, "name")[:_NAME]


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"openers-web {purpose}".encode()).derive(key)
