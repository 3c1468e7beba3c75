"""Certificate authorities and certificates for tests: valid, expired, foreign, and those of a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from openers.tls.authority import Authority, Lifetime, sign
from openers.tls.authority_files import AuthorityFiles

DAY: Final = timedelta(days=1)


class Pair(NamedTuple):
    """Paths of a certificate and of its key."""

    certificate: Path
    key: Path

    @property
    def one(self) -> tuple[str, str]:
        """Return both paths as clients of Python take them."""
        return str(self.certificate), str(self.key)


class Certificates:
    """The authorities of one environment, whose files are in a folder, and certificates that they issue."""

    def __init__(self, folder: Path, environment: str = "DEV1") -> None:
        """Create the authorities."""
        self.folder = folder
        self.files = AuthorityFiles(folder, environment)
        self.files.create()
        self._key = _new_key()

    def issue(self, name: str, days: int = 30, *hosts: str) -> Pair:
        """Return a certificate for a host name, as `openers ca sign` issues it."""
        return self._pair(name, self.files.sign(request(name, self._key), days, hosts))

    def issue_expired(self, name: str) -> Pair:
        """Return a certificate that has expired."""
        key = load_pem_private_key((self.files.folder / "sub.key").read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        sub = Authority(self.files.certificates()[1], key)
        life = Lifetime(datetime.now(UTC) - 3 * DAY, datetime.now(UTC) - 2 * DAY)
        made = sign(sub, request(name, self._key), life)
        return self._pair(name, made.public_bytes(Encoding.PEM))

    def serial(self, pair: Pair) -> str:
        """Return the serial number of a certificate."""
        return f"{x509.load_pem_x509_certificate(pair.certificate.read_bytes()).serial_number:x}"

    def _pair(self, name: str, pem: bytes) -> Pair:
        pair = Pair(self.folder / f"{name}-{len(list(self.folder.iterdir()))}.pem", self.folder / f"{name}.key")
        pair.certificate.write_bytes(pem)
        pair.key.write_bytes(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pair.key.chmod(0o600)
        return pair


def request(name: str, key: RSAPrivateKey) -> bytes:
    """Return a certificate signing request for a host name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _new_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)
