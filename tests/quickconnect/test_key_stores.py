"""Private keys of each format, recognised by content, and what is wrong with a file that holds none."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from joserfc.jwk import RSAKey

from openers_quickconnect.configuration import BadConfiguration, connection_of, read_configuration
from openers_quickconnect.key_stores import BadKeyStore, Unlock, read_private_key

PASSWORD: Final = "päss word"
OPEN: Final = Unlock(PASSWORD)
LOCK: Final = BestAvailableEncryption(PASSWORD.encode())


@cache
def key() -> rsa.RSAPrivateKey:
    """Return a key of this run."""
    return rsa.generate_private_key(65537, 2048)


def jwk() -> RSAKey:
    """Return the key as JSON Web Key."""
    return RSAKey.import_key(written(Encoding.PEM, PrivateFormat.PKCS8))


def written(encoding: Encoding, form: PrivateFormat, *, locked: bool = False) -> bytes:
    """Return the key in a format."""
    return key().private_bytes(encoding, form, LOCK if locked else NoEncryption())


FORMATS: Final = {
    "PEM, PKCS#8": lambda: (written(Encoding.PEM, PrivateFormat.PKCS8), Unlock()),
    "PEM, PKCS#8, encrypted": lambda: (written(Encoding.PEM, PrivateFormat.PKCS8, locked=True), OPEN),
    "PEM, PKCS#1": lambda: (written(Encoding.PEM, PrivateFormat.TraditionalOpenSSL), Unlock()),
    "DER, PKCS#8": lambda: (written(Encoding.DER, PrivateFormat.PKCS8), Unlock()),
    "DER, PKCS#8, encrypted": lambda: (written(Encoding.DER, PrivateFormat.PKCS8, locked=True), OPEN),
    "PKCS#12": lambda: (serialize_key_and_certificates(b"mine", key(), None, None, LOCK), OPEN),
    "JSON Web Key": lambda: (json.dumps({**jwk().as_dict(private=True), "kid": "k"}).encode(), Unlock()),
    "after a certificate": lambda: (
        b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n" + written(Encoding.PEM, PrivateFormat.PKCS8),
        Unlock(),
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_key_of_each_format_is_read(name: str) -> None:
    content, unlock = FORMATS[name]()
    found = read_private_key(content, unlock)
    ours = jwk().as_dict(private=True)
    assert (found["n"], found["d"]) == (ours["n"], ours["d"])
    assert found["kid"]
    assert read_private_key(content, Unlock(unlock.password, kid="registered"))["kid"] == "registered"


@pytest.mark.needs("keytool")
def test_the_key_of_a_jks_store_is_read(tmp_path: Path) -> None:
    """As Java's keytool writes it; with two keys the alias chooses."""
    store = tmp_path / "store.p12"
    for alias in ("first", "second"):
        _keytool("-genkeypair", "-alias", alias, "-keyalg", "RSA", "-dname", f"CN={alias}", store=store)
    content = store.read_bytes()
    assert content.startswith(b"\xfe\xed\xfe\xed")
    pem = tmp_path / "out.p12"
    _keytool(
        "-importkeystore",
        "-destkeystore",
        str(pem),
        "-deststoretype",
        "PKCS12",
        "-srcalias",
        "second",
        "-deststorepass",
        "changeit",
        store=store,
    )
    found = read_private_key(content, Unlock("changeit", alias="Second"))
    java = read_private_key(pem.read_bytes(), Unlock("changeit"))
    assert (found["n"], found["d"], found["kid"]) == (java["n"], java["d"], "second")
    assert read_private_key(content, Unlock("changeit"))["n"]
    for cut in (40, 60, 200):  # the password holds, and the first key is damaged
        damaged, alias = _shortened(content, cut)
        with pytest.raises(BadKeyStore, match=r"damaged|protected"):
            read_private_key(damaged, Unlock("changeit", alias=alias))
    for unlock, said in (
        (Unlock(), "give its password"),
        (Unlock("wrong"), "password is wrong"),
        (Unlock("changeit", alias="third"), "it has first, second"),
    ):
        with pytest.raises(BadKeyStore, match=said):
            read_private_key(content, unlock)


def _shortened(store: bytes, by: int) -> tuple[bytes, str]:
    """Return a key store whose first key is shorter, with the digest that its password makes; and that key's alias."""
    start = store.index(b"\x00\x00\x00\x01", 8)
    alias = int.from_bytes(store[start + 4 : start + 6], "big")
    at = start + 6 + alias + 8
    length = int.from_bytes(store[at : at + 4], "big")
    body = store[:at] + (length - by).to_bytes(4, "big") + store[at + 4 : at + 4 + length - by]
    body += store[at + 4 + length : -20]
    white = "changeit".encode("utf-16-be") + b"Mighty Aphrodite"
    digest = hashlib.sha1(white + body, usedforsecurity=False).digest()
    return body + digest, store[start + 6 : start + 6 + alias].decode()


def _keytool(*words: str, store: Path) -> None:
    given = (
        ("-srckeystore", str(store), "-srcstorepass", "changeit")
        if words[0] == "-importkeystore"
        else (*("-keystore", str(store), "-storepass", "changeit", "-keypass", "changeit", "-storetype", "JKS"),)
    )
    subprocess.run(["keytool", *words, *given, "-noprompt"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("content", "unlock", "said"),
    [
        (b"", Unlock(), "no key store"),
        (b"\x00" * 50, Unlock(), "no key store"),
        (b"{", Unlock(), "not a JSON Web Key"),
        (b'{"kty": "RSA", "n": "AQAB", "kid": "public"}', Unlock(), "private JSON Web Key"),
        (b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n", Unlock(), "the file with the key"),
        (b"\xce\xce\xce\xce" + b"\x00" * 40, OPEN, "keytool -importkeystore"),
        (b"\xfe\xed\xfe\xed" + b"\x00" * 40, OPEN, "password is wrong, or the file is damaged"),
        (b"x" * 1_000_001, Unlock(), "larger than"),
    ],
)
def test_a_file_without_a_usable_key_says_what_to_do(content: bytes, unlock: Unlock, said: str) -> None:
    with pytest.raises(BadKeyStore, match=said):
        read_private_key(content, unlock)


def test_a_wrong_or_missing_password_and_another_kind_of_key_are_told() -> None:
    locked = written(Encoding.PEM, PrivateFormat.PKCS8, locked=True)
    with pytest.raises(BadKeyStore, match="give its password"):
        read_private_key(locked)
    with pytest.raises(BadKeyStore, match="password is wrong"):
        read_private_key(locked, Unlock("other"))
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadKeyStore, match="no RSA key"):
        read_private_key(curve)


def test_application_yml_names_the_store_and_takes_the_password_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_bytes(serialize_key_and_certificates(b"mine", key(), None, None, LOCK))
    file = tmp_path / "application.yml"
    file.write_text(
        "service: {base-url: 'https://ers.example'}\n"
        "application: {client-id: mine, key-file: key, key-password: '${MY_PASSWORD}', kid: one}\n"
    )
    with pytest.raises(BadConfiguration, match="MY_PASSWORD, which is not set"):
        read_configuration(file)
    monkeypatch.setenv("MY_PASSWORD", PASSWORD)
    connection = connection_of(read_configuration(file), tmp_path, {})
    assert connection.application.private_jwk is not None
    assert connection.application.private_jwk["kid"] == "one"
    monkeypatch.setenv("MY_PASSWORD", "wrong")
    with pytest.raises(BadConfiguration, match="key cannot be used: its password is wrong"):
        connection_of(read_configuration(file), tmp_path, {})
