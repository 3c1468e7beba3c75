"""JKS: the key store of older Java, with one key and its certificates.

The format encrypts the key by a stream of SHA-1 digests, which protects little: give the file away over TLS only.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_MAGIC: Final = bytes.fromhex("feedfeed")
_VERSION, _KEY_ENTRY = 2, 1
_WHITENER: Final = b"Mighty Aphrodite"
"""Part of the digest that ends the file."""
_ALGORITHM: Final = bytes.fromhex("300e060a2b060104012a021101010500")
"""DER of the algorithm that protects the key: 1.3.6.1.4.1.42.2.17.1.1 without parameters."""
_SEQUENCE, _OCTETS = b"\x30", b"\x04"
_DIGEST: Final = 20


def java_key_store(
    alias: str, key: RSAPrivateKey, chain: Sequence[x509.Certificate], password: str, at: datetime
) -> bytes:
    """Return a key store with one key under an alias; store and key have the same password."""
    secret = password.encode("utf-16-be")
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    protected = _der(_SEQUENCE, _ALGORITHM + _der(_OCTETS, _protected(plain, secret)))
    body = _MAGIC + _number(_VERSION, 4) + _number(1, 4) + _number(_KEY_ENTRY, 4) + _text(alias.lower())
    body += _number(int(at.timestamp() * 1000), 8) + _sized(protected) + _number(len(chain), 4)
    for each in chain:
        body += _text("X.509") + _sized(each.public_bytes(Encoding.DER))
    return body + _sha1(secret + _WHITENER + body)


def _protected(plain: bytes, secret: bytes) -> bytes:
    """Return salt, key by exclusive or with a stream of digests, and the digest of the key."""
    salt = secrets.token_bytes(_DIGEST)
    stream, hidden = salt, bytearray()
    for start in range(0, len(plain), _DIGEST):
        stream = _sha1(secret + stream)
        hidden += bytes(one ^ other for one, other in zip(plain[start : start + _DIGEST], stream, strict=False))
    return salt + bytes(hidden) + _sha1(secret + plain)


def _sha1(content: bytes) -> bytes:
    """Return the digest that the format prescribes."""
    return hashlib.sha1(content, usedforsecurity=False).digest()


def _der(tag: bytes, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return tag + bytes([length]) + content
    size = (length.bit_length() + 7) // 8
    return tag + bytes([0x80 | size]) + _number(length, size) + content


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def _sized(content: bytes) -> bytes:
    return _number(len(content), 4) + content


def _text(text: str) -> bytes:
    content = text.encode()
    return _number(len(content), 2) + content
