"""The files of an environment's certificate authorities: keys, certificates, what was issued, the revocation list.

The folder is outside of the store, and only its owner can open it: whoever has the keys can let in any caller.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from openers.tls.authority import Authority, Issued, Lifetime, issued, new_authority, revocation_list, sign

ENVIRONMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,19}", re.ASCII)
TRUST: Final = "trust.pem"
LIST: Final = "crl.pem"
_INDEX: Final = "issued.json"


class AuthorityError(ValueError):
    """The authorities of an environment cannot do what was asked. The text gives the cause and the cure."""


class Register(msgspec.Struct, kw_only=True):
    """What the sub authority has issued, and the number of its latest revocation list."""

    lists: int = 0
    certificates: list[Issued] = msgspec.field(default_factory=list[Issued])


class AuthorityFiles:
    """The authorities of one environment: a root and a sub authority, which signs."""

    def __init__(self, directory: Path, environment: str) -> None:
        """Store where the files are: in a folder of `directory` with the environment's name. Raises AuthorityError."""
        if not ENVIRONMENT.fullmatch(environment):
            raise AuthorityError(
                f"{environment!r} is not a name of an environment: use letters, digits and -, such as DEV1"
            )
        self.environment = environment
        self.folder = directory / environment

    @property
    def trust(self) -> Path:
        """Return the path of both certificates, for `OPENERS_TLS_CLIENT_CA` and for callers."""
        return self.folder / TRUST

    @property
    def revocations(self) -> Path:
        """Return the path of the revocation list, for `OPENERS_TLS_CLIENT_CRL`."""
        return self.folder / LIST

    def create(self) -> None:
        """Create both authorities and an empty revocation list. Raises AuthorityError if they exist, OSError."""
        now = _now()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            if self.trust.exists():
                raise AuthorityError(f"{self.folder} has authorities already: name another environment or --directory")
            root = new_authority(self.environment, now)
            sub = new_authority(self.environment, now, root)
            for name, authority in (("root", root), ("sub", sub)):
                self._write(f"{name}.key", _pem_of_key(authority.key))
                self._write(f"{name}.pem", _pem(authority.certificate))
            self._publish(sub, Register())
            self._write(TRUST, _pem(root.certificate) + _pem(sub.certificate))

    def sign(self, request: bytes, days: int, hosts: Sequence[str]) -> bytes:
        """Return the certificate for a request, followed by that of the sub authority (PEM), valid for `days`.

        Raises RequestRefused, AuthorityError, OSError.
        """
        with self._locked():
            sub, register = self._sub(), self._register()
            now = _now()
            certificate = sign(sub, request, Lifetime(now, now + timedelta(days=days)), hosts)
            register.certificates.append(issued(certificate))
            self._write(_INDEX, msgspec.json.format(msgspec.json.encode(register)))
            return _pem(certificate) + _pem(sub.certificate)

    def revoke(self, serial: str, reason: str) -> Issued:
        """Revoke a certificate by its serial number, and write the list. A revoked one keeps its first date.

        Raises AuthorityError if the authority has not issued it, OSError.
        """
        wanted = serial.replace(":", "").lower().lstrip("0")
        with self._locked():
            register = self._register()
            found = [number for number, each in enumerate(register.certificates) if each.serial == wanted]
            if not found:
                raise AuthorityError(
                    f"{self.environment} has issued no certificate with the serial number {serial}: "
                    f"see `openers ca show {self.environment}`"
                )
            before = register.certificates[found[0]]
            if before.revoked is not None:
                return before
            after = msgspec.structs.replace(before, revoked=_now(), reason=reason)
            register.certificates[found[0]] = after
            self._publish(self._sub(), register)
            return after

    def publish(self) -> None:
        """Write a new revocation list, current for another 30 days. Raises AuthorityError, OSError."""
        with self._locked():
            self._publish(self._sub(), self._register())

    def certificates(self) -> tuple[x509.Certificate, x509.Certificate]:
        """Return the certificates of the root and the sub authority. Raises AuthorityError, OSError."""
        root, sub = (x509.load_pem_x509_certificate(self._read(name)) for name in ("root.pem", "sub.pem"))
        return root, sub

    def issued(self) -> Sequence[Issued]:
        """Return what was issued, the oldest first. Raises AuthorityError, OSError."""
        return self._register().certificates

    def _sub(self) -> Authority:
        key = load_pem_private_key(self._read("sub.key"), None)
        if not isinstance(key, RSAPrivateKey):
            raise AuthorityError(f"{self.folder / 'sub.key'} is not an RSA key: restore the right file")
        return Authority(x509.load_pem_x509_certificate(self._read("sub.pem")), key)

    def _register(self) -> Register:
        return msgspec.json.decode(self._read(_INDEX), type=Register)

    def _publish(self, sub: Authority, register: Register) -> None:
        """Write the register and a new revocation list."""
        register.lists += 1
        revoked = [each for each in register.certificates if each.revoked is not None]
        made = revocation_list(sub, revoked, register.lists, _now())
        self._write(_INDEX, msgspec.json.format(msgspec.json.encode(register)))
        self._write(LIST, made.public_bytes(Encoding.PEM))

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            cure = f"create them with `openers ca new {self.environment}`"
            raise AuthorityError(f"{self.folder} has no authorities ({name} is missing): {cure}") from None

    def _write(self, name: str, content: bytes) -> None:
        """Replace a file in one step; only its owner can open it."""
        draft = self.folder / f".{name}.{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / name)
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Generator[None]:
        """Keep other processes from changing the files."""
        if not self.folder.is_dir():
            self._read("sub.pem")
        lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _pem_of_key(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
