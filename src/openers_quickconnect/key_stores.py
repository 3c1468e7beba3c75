"""Private keys from files of several formats, recognised by their content, whatever the name of the file.

JSON Web Key, PEM and DER (PKCS#8 and PKCS#1, also encrypted), PKCS#12, and JKS, the key store of older Java.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from joserfc.jwk import RSAKey

LARGEST_BYTES: Final = 1_000_000
JKS: Final = b"\xfe\xed\xfe\xed"
JCEKS: Final = b"\xce\xce\xce\xce"
PEM: Final = b"-----BEGIN "
_WHITENER: Final = b"Mighty Aphrodite"
"""Part of the digest that ends a JKS file."""
_PROTECTED: Final = bytes.fromhex("060a2b060104012a02110101")
"""Object identifier of the way in which JKS encrypts a key."""
_SALT, _DIGEST = 20, 20
_KEY_ENTRY, _CERTIFICATE_ENTRY = 1, 2


class BadKeyStore(Exception):
    """The file holds no usable key. The text says why, and what to do."""


@dataclass(frozen=True)
class Unlock:
    """What opens a file of keys: its password, the alias of the key in it, and the `kid` under which it is registered.

    Without `kid`, that of the file, the alias of the key, or its thumbprint (RFC 7638) counts.
    """

    password: str | None = None
    alias: str | None = None
    kid: str | None = None


NOTHING: Final = Unlock()


def read_private_key(content: bytes, unlock: Unlock = NOTHING) -> dict[str, str]:
    """Return the private key in a file as JSON Web Key with a `kid`. Raises BadKeyStore."""
    if len(content) > LARGEST_BYTES:
        raise BadKeyStore(f"it is larger than {LARGEST_BYTES} bytes, which no key store is")
    if content.lstrip().startswith(b"{"):
        return _json_web_key(content, unlock)
    if content.startswith(JCEKS):
        convert = "keytool -importkeystore -srckeystore OLD -srcstoretype JCEKS -destkeystore NEW -deststoretype PKCS12"
        raise BadKeyStore(f"it is a JCEKS key store: convert it with {convert}")
    key, alias = _jks(content, unlock) if content.startswith(JKS) else _other(content, unlock)
    if not isinstance(key, RSAPrivateKey):
        raise BadKeyStore("its key is no RSA key: signatures here are RS512, so make an RSA key")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = RSAKey.import_key(pem)
    kid = unlock.kid or alias or made.thumbprint()
    return {**{name: str(value) for name, value in made.as_dict(private=True).items()}, "kid": kid}


def _json_web_key(content: bytes, unlock: Unlock) -> dict[str, str]:
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadKeyStore(f"it is not a JSON Web Key: {error}") from error
    if not isinstance(found, dict):
        raise BadKeyStore("it must hold one private JSON Web Key")
    key = {str(name): str(value) for name, value in cast("dict[object, object]", found).items()}
    kid = unlock.kid or key.get("kid")
    if kid is None or "d" not in key:
        raise BadKeyStore("it must hold one private JSON Web Key with a kid, or name the kid beside it")
    return {**key, "kid": kid}


def _other(content: bytes, unlock: Unlock) -> tuple[object, str | None]:
    """Return the key of a PEM, DER or PKCS#12 file, and its name there."""
    password = None if unlock.password is None else unlock.password.encode()
    try:
        if content.lstrip().startswith(PEM):
            return load_pem_private_key(_private_part(content), password), None
        try:
            return load_der_private_key(content, password), None
        except (ValueError, TypeError):
            store = load_pkcs12(content, password)
    except TypeError as error:
        raise BadKeyStore("it is encrypted: give its password, or it is not and has one too many") from error
    except ValueError as error:
        cause = "its password is wrong, or it is no key store (JWK, PEM, PKCS#8, PKCS#12 or JKS)"
        raise BadKeyStore(f"{cause}: {error}") from error
    if store.key is None:
        raise BadKeyStore("it has certificates and no private key: export the key pair")
    named = next((each.friendly_name for each in [store.cert] if each is not None and each.friendly_name), None)
    return store.key, None if named is None else named.decode("utf-8", "replace")


def _private_part(content: bytes) -> bytes:
    """Return the private key of a PEM file that also has certificates."""
    for kind in (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"RSA PRIVATE KEY"):
        start = content.find(PEM + kind + b"-----")
        end = content.find(b"-----END " + kind + b"-----", start)
        if start >= 0 and end >= 0:
            return content[start:end] + b"-----END " + kind + b"-----\n"
    raise BadKeyStore("it has no private key: name the file with the key, not the one with the certificate")


def _jks(content: bytes, unlock: Unlock) -> tuple[object, str | None]:
    if unlock.password is None:
        raise BadKeyStore("it is a JKS key store: give its password")
    secret = unlock.password.encode("utf-16-be")
    body, digest = content[:-_DIGEST], content[-_DIGEST:]
    if _sha1(secret + _WHITENER + body) != digest:
        raise BadKeyStore("its password is wrong, or the file is damaged")
    try:
        keys = dict(_jks_entries(body))
    except (IndexError, ValueError) as error:
        raise BadKeyStore(f"it is damaged: {error}") from error
    alias = unlock.alias.lower() if unlock.alias else next(iter(keys), None)
    if alias is None or alias not in keys:
        raise BadKeyStore(f"it has no key {unlock.alias or ''}: it has {', '.join(sorted(keys)) or 'none'}".strip())
    try:
        return load_der_private_key(_decrypted(keys[alias], secret), None), alias
    except (IndexError, ValueError) as error:
        raise BadKeyStore(f"its key {alias} is damaged: {error}") from error


def _jks_entries(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield alias and protected key of each entry that has a key."""
    reader = _Reader(body, len(JKS))
    version, count = reader.number(4), reader.number(4)
    for _ in range(count):
        tag, alias = reader.number(4), reader.text()
        reader.number(8)  # the time of the entry
        if tag == _KEY_ENTRY:
            yield alias.lower(), reader.bytes(reader.number(4))
            certificates = reader.number(4)
        elif tag == _CERTIFICATE_ENTRY:
            certificates = 1
        else:
            raise ValueError(f"entry {alias} has the unknown kind {tag}")
        for _ in range(certificates):
            if version == 2:
                reader.text()  # the type of the certificate
            reader.bytes(reader.number(4))


def _decrypted(protected: bytes, secret: bytes) -> bytes:
    """Return the PKCS#8 key: exclusive or with a stream of SHA-1 digests, and a digest at its end."""
    at = protected.find(_PROTECTED)
    if at < 0:
        raise BadKeyStore("its key is protected in a way that JKS does not have")
    reader = _Reader(protected, at + len(_PROTECTED))
    while reader.byte() != 0x04:  # the octet string after the parameters, which are NULL
        reader.bytes(reader.length())
    content = reader.bytes(reader.length())
    salt, hidden, digest = content[:_SALT], content[_SALT:-_DIGEST], content[-_DIGEST:]
    stream, out = salt, bytearray()
    for start in range(0, len(hidden), _DIGEST):
        stream = _sha1(secret + stream)
        out += bytes(one ^ other for one, other in zip(hidden[start : start + _DIGEST], stream, strict=False))
    if _sha1(secret + bytes(out)) != digest:
        raise BadKeyStore("the key has another password than the key store: give both the same one")
    return bytes(out)


def _sha1(content: bytes) -> bytes:
    """Return the digest that the format prescribes; it protects nothing of today."""
    return hashlib.sha1(content, usedforsecurity=False).digest()


class _Reader:
    """Reads numbers and bytes one after the other. Raises IndexError at the end."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at

    def bytes(self, length: int) -> bytes:
        """Return the next bytes."""
        end = self._at + length
        if end > len(self._content):
            raise IndexError("the file ends too early")
        found, self._at = self._content[self._at : end], end
        return found

    def byte(self) -> int:
        """Return the next byte."""
        return self.bytes(1)[0]

    def number(self, length: int) -> int:
        """Return a number of some bytes."""
        return int.from_bytes(self.bytes(length), "big")

    def text(self) -> str:
        """Return a text after its length."""
        return self.bytes(self.number(2)).decode("utf-8", "replace")

    def length(self) -> int:
        """Return a length as DER writes it."""
        first = self.byte()
        return first if first < 0x80 else self.number(first & 0x7F)
