"""Short-lived addresses to fetch a file without a token, signed with a key outside the store.

A signature binds the world, the file, the caller who received it and its expiry; the caller is for the audit. Source:
rules chapter 4 (A042).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Final

import msgspec

from openers.domain.clock import Clock, Instant
from openers.domain.errors import Refused
from openers.domain.identifiers import FileId, OdsCode, UserId
from openers.domain.principal import Principal

PATH: Final = "/files/"


class NotSigned(Refused):
    """The address was not issued by this service, was altered, or has expired; the error does not say which."""

    source = "rules 4, A042"


class SignedFile(msgspec.Struct, frozen=True, array_like=True):
    """The content of an address: a file, its expiry by the wall clock, and a caller in one role."""

    file: FileId
    until: Instant
    user: UserId
    organisation: OdsCode
    function: str
    application: str
    on_behalf_of: UserId | None = None


class SignedAddresses:
    """Issues and reads signed addresses."""

    def __init__(self, key: bytes, wall: Clock, life: timedelta) -> None:
        """Store the key; an address is valid for `life`."""
        self._key, self._wall, self.life = key, wall, life
        self._decoder = msgspec.msgpack.Decoder(SignedFile, dec_hook=_restored)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=str.__str__)

    def give(self, file: FileId, by: Principal, base_url: str) -> str:
        """Return an address of the file for one caller, in the world at `base_url`."""
        until = self._wall.now() + self.life
        signed = SignedFile(file, until, by.user, by.organisation, by.function, by.application, by.on_behalf_of)
        told = self._encoder.encode(signed)
        return f"{base_url}{PATH}{_text(told)}.{_text(self._mac(told, base_url))}"

    def read(self, text: str, base_url: str) -> SignedFile:
        """Return the content of an address from its last part, in the world at `base_url`. Raises NotSigned."""
        told, _, mac = text.partition(".")
        try:
            content, given = _bytes(told), _bytes(mac)
        except ValueError:
            raise NotSigned from None
        if not hmac.compare_digest(given, self._mac(content, base_url)):
            raise NotSigned
        signed = self._decoder.decode(content)
        if signed.until <= self._wall.now():
            raise NotSigned
        return signed

    def _mac(self, content: bytes, base_url: str) -> bytes:
        return hmac.digest(self._key, base_url.encode() + b"\0" + content, sha256)


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Decode a text that has only one spelling for its bytes. Raises ValueError."""
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(content) != text:
        raise ValueError("not the canonical spelling")
    return content


def _restored(kind: type[FileId], text: str) -> FileId:
    return kind.restored(text)
