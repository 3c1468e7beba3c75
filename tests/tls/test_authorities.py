"""`openers ca`: OpenSSL accepts what it issues, and each wrong request is refused with the cause."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from openers.tls.authority import RequestRefused
from openers.tls.authority_files import AuthorityError, AuthorityFiles
from tests.kit.run.command import openers
from tests.kit.service.certificates import request

pytestmark = pytest.mark.needs("openssl")
KEY: Final = generate_private_key(65537, 2048)


def ca(folder: Path, *words: str) -> Any:
    """Return the JSON of a command of `openers ca`."""
    done = openers("ca", *words, "--directory", str(folder / "ca"), "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(folder: Path, *words: str) -> str:
    """Return the one line with which a command is refused."""
    done = openers("ca", *words, "--directory", str(folder / "ca"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    return done.stderr


def openssl(*words: str) -> str:
    """Return the output of OpenSSL, whether it succeeds or not."""
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_an_authority_issues_revokes_and_publishes(tmp_path: Path) -> None:
    made = ca(tmp_path, "new", "DEV1")
    csr, out = tmp_path / "a.csr", tmp_path / "a.pem"
    key = str(tmp_path / "a.key")
    subject = "/C=GB/ST=/L=na/O=R69/OU=na/CN=ers.surgery.example"
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", str(csr), "-subj", subject)
    issued = ca(tmp_path, "sign", "DEV1", str(csr), "--out", str(out), "--days", "30")
    assert issued["name"] == "ers.surgery.example"
    strictly = ("verify", "-x509_strict", "-crl_check", "-CAfile", made["trust"], "-CRLfile", made["revocations"])
    for purpose in ("sslclient", "sslserver"):
        assert openssl(*strictly, "-purpose", purpose, str(out)) == f"{out}: OK\n"
    assert ca(tmp_path, "revoke", "DEV1", issued["serial"], "--reason", "superseded")["reason"] == "superseded"
    assert "certificate revoked" in openssl(*strictly, str(out))
    again = ca(tmp_path, "revoke", "DEV1", issued["serial"].upper())
    shown = ca(tmp_path, "show", "DEV1")
    assert shown["issued"] == [again]
    assert again["reason"] == "superseded"
    before = openssl("crl", "-in", made["revocations"], "-noout", "-crlnumber")
    ca(tmp_path, "crl", "DEV1")
    assert openssl("crl", "-in", made["revocations"], "-noout", "-crlnumber") != before
    for path in (tmp_path / "ca").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_a_request_asks_for_beyond_its_name_is_ignored(tmp_path: Path) -> None:
    ca(tmp_path, "new", "DEV1")
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject("ers.surgery.example"))
    foreign = x509.SubjectAlternativeName([x509.DNSName("other.example")])
    asks = builder.add_extension(foreign, critical=False).add_extension(
        x509.BasicConstraints(True, None), critical=True
    )
    (tmp_path / "a.csr").write_bytes(asks.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM))
    ca(tmp_path, "sign", "DEV1", str(tmp_path / "a.csr"), "--out", str(tmp_path / "a.pem"), "--host", "127.0.0.1")
    made = x509.load_pem_x509_certificate((tmp_path / "a.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["ers.surgery.example", "127.0.0.1"]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def _subject(*names: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in names])


def _csr(subject: x509.Name, key: Any = KEY) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _altered() -> bytes:
    der = bytearray(x509.load_pem_x509_csr(request("a.example", KEY)).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


REFUSED: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "nothing": (lambda: b"", "is not a certificate signing request"),
    "a certificate of another kind": (lambda: b"-----BEGIN CERTIFICATE-----\n", "is not a certificate signing request"),
    "an altered request": (_altered, "does not fit its key"),
    "no name": (lambda: _csr(_subject()), "has 0 common names"),
    "two names": (lambda: _csr(_subject("a.example", "b.example")), "has 2 common names"),
    "every name": (lambda: _csr(_subject("*.example")), "is not a host name"),
    "a path": (lambda: _csr(_subject("../a")), "is not a host name"),
    "a short key": (lambda: request("a.example", generate_private_key(65537, 1024)), "RSA of 1024 bits: it must be"),
    "another kind of key": (lambda: _csr(_subject("a.example"), new_ec_key(SECP256R1())), "not RSA: it must be"),
}


def test_each_wrong_request_is_refused_with_the_cause(tmp_path: Path) -> None:
    assert "create them with `openers ca new DEV1`" in refused(tmp_path, "show", "DEV1")
    ca(tmp_path, "new", "DEV1")
    files = AuthorityFiles(tmp_path / "ca", "DEV1")
    for make, reason in REFUSED.values():
        with pytest.raises(RequestRefused, match=reason):
            files.sign(make(), 30, [])
    with pytest.raises(RequestRefused, match="ask for fewer days"):
        files.sign(request("a.example", KEY), 4000, [])
    with pytest.raises(RequestRefused, match="neither a host name nor an IP address"):
        files.sign(request("a.example", KEY), 30, ["a b"])
    assert files.issued() == []
    csr, out = tmp_path / "a.csr", tmp_path / "a.pem"
    csr.write_bytes(b"nothing")
    assert "is not a certificate signing request" in refused(tmp_path, "sign", "DEV1", str(csr), "--out", str(out))
    assert not out.exists()
    assert "has authorities already" in refused(tmp_path, "new", "DEV1")
    with pytest.raises(AuthorityError, match="is not a name of an environment"):
        AuthorityFiles(tmp_path, "../DEV1")
    with pytest.raises(AuthorityError, match="no certificate with the serial number abc"):
        files.revoke("abc", "superseded")
