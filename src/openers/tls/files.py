"""The files of a TLS listener, and their content: reloaded when a file changes, kept if the new content is wrong."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeVar

import structlog
from cryptography import x509

from openers.tls.alerts import AlertingObject
from openers.tls.trust import Trust, now, read_authorities, read_revocations

LOOK_EVERY_S: Final = 1.0
"""Minimum pause in seconds between two looks at the files."""
NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's flag to verify certificates without their dates, which the `ssl` module does not name."""
T = TypeVar("T")
_log = structlog.get_logger()


class TlsFiles(NamedTuple):
    """Paths of a TLS listener's PEM files. Can be sent to other processes.

    `authorities` issue client certificates; `revocations` are their revocation lists. With `explains_dates` the
    handshake accepts certificates outside their dates, so that each request can be refused with the reason.
    """

    certificate: Path | None = None
    key: Path | None = None
    authorities: Sequence[Path] = ()
    revocations: Sequence[Path] = ()
    explains_dates: bool = False

    def trust(self) -> Trust:
        """Return the authorities and revocations. Raises TlsFileError."""
        authorities = [each for path in self.authorities for each in read_file(path, read_authorities)]
        trust = Trust(authorities)
        for path in self.revocations:
            for each in read_file(path, read_revocations):
                _add(trust, path, each)
        return trust

    def context(self) -> ssl.SSLContext:
        """Return the context of new connections. Raises TlsFileError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["http/1.1"])
        context.sslobject_class = AlertingObject
        if self.certificate is None or self.key is None:
            raise TlsFileError("a TLS listener needs a certificate and its key")
        _load_chain(context, self.certificate, self.key)
        for path in self.authorities:
            read_file(path, lambda pem: context.load_verify_locations(cadata=pem.decode("ascii")))
        if self.authorities:
            context.verify_mode = ssl.CERT_OPTIONAL  # callers without a certificate get a reply with the reason
        if self.explains_dates:
            context.verify_flags |= NO_CHECK_TIME
        return context


class TlsFileError(ValueError):
    """A file of the TLS listener is missing or wrong. The text names the file and the cure."""


class Watched(Generic[T]):
    """A value made from files. It is made again after one of them has changed."""

    def __init__(self, files: TlsFiles, make: Callable[[], T]) -> None:
        """Store `make`, which reads the files. It is called at first use. Raises nothing."""
        self._paths = [each for each in (files.certificate, files.key, *files.authorities, *files.revocations) if each]
        self._make = make
        self._value: T | None = None
        self._state: Sequence[tuple[int, ...]] = ()
        self._looked_s = float("-inf")

    def now(self) -> T:
        """Return the value of the present files; if they are wrong, that of the files before. Raises TlsFileError."""
        if self._value is None:
            self._state, self._looked_s = self._look(), monotonic()
            self._value = self._make()
        elif monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = monotonic()
            self._value = self._again(self._value)
        return self._value

    def _again(self, before: T) -> T:
        """Return the value of changed files, or the value `before`."""
        state = self._look()
        if state == self._state:
            return before
        self._state = state
        try:
            value = self._make()
        except TlsFileError as error:
            _log.warning("TLS files are wrong; the files before stay in force", reason=str(error))
            return before
        _log.info("TLS files read again", files=[str(each) for each in self._paths])
        return value

    def _look(self) -> Sequence[tuple[int, ...]]:
        """Return what changes if a file is replaced or written."""
        return [_state_of(path) for path in self._paths]


def read_file(path: Path, parse: Callable[[bytes], T]) -> T:
    """Return the parsed content of a file. Raises TlsFileError."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise TlsFileError(f"{path} cannot be read: {error.strerror}") from error
    except (ssl.SSLError, ValueError) as error:
        raise TlsFileError(f"{path} is not a PEM file of the expected kind: {error}") from error


def _add(trust: Trust, path: Path, revoked: x509.CertificateRevocationList) -> None:
    """Add a revocation list, also one that is out of date. Raises TlsFileError."""
    try:
        trust.add_revocations(revoked)
    except ValueError as error:
        raise TlsFileError(f"{path}: {error}") from error
    if revoked.next_update_utc is not None and revoked.next_update_utc < now():
        _log.warning("a revocation list is out of date", file=str(path), cure="openers ca crl")


def _load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load the certificate of the service with its key. Raises TlsFileError."""
    for path in (certificate, key):
        read_file(path, bytes)
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except TlsFileError:
        raise TlsFileError(f"{key} is encrypted: store the key without a passphrase (openssl pkey)") from None
    except (ssl.SSLError, OSError) as error:
        cause = getattr(error, "reason", "") or str(error)
        raise TlsFileError(
            f"{certificate} and {key} are not a certificate in PEM form and its private key: {cause}"
        ) from error


def _refuse_password() -> str:
    """Stop OpenSSL, which would ask for a passphrase on the terminal."""
    raise TlsFileError


def _state_of(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
