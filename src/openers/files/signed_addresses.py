"""Addresses under which a file can be fetched for a short time, without a token: signed with a key outside the store.

A signature binds the file, the caller it was given to and the time at which it ends; the caller is for the audit.
Source: rules chapter 4 (A042).
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
    """The address was not given by this service, was altered, or has ended. Says no more than that."""

    source = "rules 4, A042"


class SignedFile(msgspec.Struct, frozen=True, array_like=True):
    """What an address stands for: a file, until an instant of the wall clock, for somebody in one role."""

    file: FileId
    until: Instant
    user: UserId
    organisation: OdsCode
    function: str
    application: str
    on_behalf_of: UserId | None = None


class SignedAddresses:
    """Gives and reads addresses."""

    def __init__(self, key: bytes, base_url: str, wall: Clock, life: timedelta) -> None:
        """`base_url` is where this service is reached; an address lives for `life`."""
        self._key, self._wall, self.life = key, wall, life
        self._start = f"{base_url}{PATH}"
        self._decoder = msgspec.msgpack.Decoder(SignedFile, dec_hook=_restored)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=str.__str__)

    def give(self, file: FileId, by: Principal) -> str:
        """An address of the file for one caller."""
        until = self._wall.now() + self.life
        signed = SignedFile(file, until, by.user, by.organisation, by.function, by.application, by.on_behalf_of)
        told = self._encoder.encode(signed)
        return f"{self._start}{_text(told)}.{_text(self._mac(told))}"

    def read(self, text: str) -> SignedFile:
        """What the last part of an address stands for. Raises NotSigned."""
        told, _, mac = text.partition(".")
        try:
            content, given = _bytes(told), _bytes(mac)
        except ValueError:
            raise NotSigned from None
        if not hmac.compare_digest(given, self._mac(content)):
            raise NotSigned
        signed = self._decoder.decode(content)
        if signed.until <= self._wall.now():
            raise NotSigned
        return signed

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, sha256)


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The bytes of exactly one spelling. Raises ValueError."""
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(content) != text:
        raise ValueError("not as it is written")
    return content


def _restored(kind: type[FileId], text: str) -> FileId:
    return kind.restored(text)
