"""What a supplier takes away for an endpoint: certificates, key if it was made here, settings, and lines to copy.

Source: rules part 2, chapter 4.5 (formats) and 7.2 (`application.yml`).
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from openers_portal.rules.java_key_stores import java_key_store
from openers_portal.rules.start_scripts import PASSWORD, start_scripts

BITS: Final = 2048
EXECUTABLE, PLAIN = 0o755, 0o644


class Pair(NamedTuple):
    """A key that was made here, and the request for its certificate. The key is given away and never stored."""

    key: RSAPrivateKey
    request: str


class Line(msgspec.Struct, frozen=True):
    """A command to copy, and what it is for."""

    purpose: str
    command: str


class About(NamedTuple):
    """An endpoint as its files name it."""

    fqdn: str
    service: str
    client_id: str


def make_pair(fqdn: str) -> Pair:
    """Return a new key and the request for its certificate. It takes some tenths of a second."""
    key = generate_private_key(65537, BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, fqdn)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return Pair(key, request.public_bytes(Encoding.PEM).decode("ascii"))


def public_key_of(pem: str) -> dict[str, str]:
    """Return the key of a certificate or of a request (PEM) as JSON Web Key, named by its thumbprint (RFC 7638)."""
    content = pem.encode("ascii")
    is_request = "BEGIN CERTIFICATE REQUEST" in pem or "BEGIN NEW CERTIFICATE REQUEST" in pem
    read = x509.load_pem_x509_csr(content) if is_request else x509.load_pem_x509_certificates(content)[0]
    key = read.public_key()
    assert isinstance(key, RSAPublicKey)  # noqa: S101 - a request was checked, and authorities sign no other key
    numbers = key.public_numbers()
    told = {"e": _base64url(numbers.e), "kty": "RSA", "n": _base64url(numbers.n)}
    thumbprint = hashlib.sha256(json.dumps(told, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**told, "kid": urlsafe_b64encode(thumbprint).decode().rstrip("=")}


def bundle(about: About, certificate: str, trust: str, key: RSAPrivateKey | None, at: datetime) -> bytes:
    """Return the files of an endpoint as a ZIP archive; with `key`, also the key and key stores made at `at`."""
    key_file = f"{about.fqdn}.{'key' if key is None else 'jks'}"
    files = {
        f"{about.fqdn}.crt": certificate.encode("ascii"),
        "trust.pem": trust.encode("ascii"),
        "application.yml": settings_of(about, key_file, public_key_of(certificate)["kid"]).encode(),
        "commands.txt": _told(about, own_key=key is None).encode(),
        **{name: text.encode() for name, text in start_scripts().items()},
    }
    if key is not None:
        files |= _key_files(about.fqdn, key, certificate, at)
    return _zipped(files)


def settings_of(about: About, key_file: str, kid: str) -> str:
    """Return `application.yml` of Quick Connect."""
    locked = "" if key_file.endswith(".key") else "  key-password: ${QUICKCONNECT_KEY_PASSWORD}\n"
    return f"""# Settings of Quick Connect. A secret of the application can be in place of key-file and kid:
#   secret: ${{QUICKCONNECT_SECRET}}
service:
  base-url: {json.dumps(about.service)}
application:
  client-id: {json.dumps(about.client_id)}
  key-file: {json.dumps(key_file)}
{locked}  kid: {json.dumps(kid)}
pages:
  state: state
# The person whom `check` logs in: fill in the id, the organisation and the business function.
# user:
#   id: "555073103100"
#   organisation: D82106
#   business-function: REFERRING_CLINICIAN
"""


def lines(about: About) -> tuple[Line, ...]:
    """Return the commands that make a key, join it with the certificate, and call the service."""
    name = about.fqdn
    subject = f"openssl req -new -newkey rsa:2048 -nodes -sha256 -subj /CN={name} -keyout {name}.key -out {name}.csr"
    joined = f"openssl pkcs12 -export -in {name}.crt -inkey {name}.key -certfile trust.pem -out {name}.p12"
    of_java = f"-destkeystore {name}.jks -deststoretype JKS"
    stored = f"keytool -importkeystore -srckeystore {name}.p12 -srcstoretype PKCS12 {of_java}"
    own = "-CertStoreLocation Cert:\\CurrentUser\\My -Password (Read-Host -AsSecureString)"
    windows = f"Import-PfxCertificate -FilePath {name}.p12 {own}"
    call = f"curl --cacert trust.pem --cert {name}.crt --key {name}.key https://SERVICE:8443/referrals/_ping"
    return (
        Line("Make a key and a request with OpenSSL", subject),
        Line("Show a request", f"openssl req -in {name}.csr -noout -text -verify"),
        Line("Make a PKCS#12 key store of key and certificate", joined),
        Line("Make a JKS key store of it for Java", stored),
        Line("Import it on Windows by PowerShell", windows),
        Line("Encrypt the key as PKCS#8", f"openssl pkcs8 -topk8 -in {name}.key -out {name}.p8"),
        Line("Call the service with the certificate, where it listens on TLS", call),
    )


def _key_files(fqdn: str, key: RSAPrivateKey, certificate: str, at: datetime) -> Mapping[str, bytes]:
    password = secrets.token_urlsafe(12)
    first, *others = x509.load_pem_x509_certificates(certificate.encode("ascii"))
    store = serialize_key_and_certificates(
        fqdn.encode(), key, first, others, BestAvailableEncryption(password.encode())
    )
    return {
        f"{fqdn}.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        f"{fqdn}.p12": store,
        f"{fqdn}.jks": java_key_store(fqdn, key, [first, *others], password, at),
        PASSWORD: f"{password}\nThe line above is the password of {fqdn}.p12 and {fqdn}.jks.\n".encode(),
    }


def _told(about: About, *, own_key: bool) -> str:
    head = "Your key stays with you." if own_key else "The key is in this archive only: the portal has no copy."
    return f"{head}\n\n" + "".join(f"# {each.purpose}\n{each.command}\n\n" for each in lines(about))


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = ZipInfo(name)
            info.external_attr = (EXECUTABLE if name.endswith(".sh") else PLAIN) << 16
            archive.writestr(info, content, ZIP_DEFLATED)
    return out.getvalue()


def _base64url(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode().rstrip("=")
