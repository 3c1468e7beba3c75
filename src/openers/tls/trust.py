"""Decide at each request whether a client certificate is accepted: its issuer, its dates, its revocation.

The handshake verifies a chain once for each connection, and not at all when a session is resumed. So the service checks
each request again, and certificates from a trusted proxy only here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from openers.domain.clock import Instant
from openers.domain.endpoints.certificate import ClientCertificate
from openers.tls.reading import MALFORMED

LONGEST_CHAIN: Final = 8
"""Certificates between a client certificate and its root."""
MOST_VERIFIED: Final = 1000
"""Certificates whose chains are remembered."""


class Trust:
    """The authorities that may issue client certificates, and what they have revoked."""

    def __init__(self, authorities: Iterable[x509.Certificate]) -> None:
        """Trust these authorities: roots, and those that a root has certified."""
        self._authorities = list(authorities)
        self._revoked: dict[tuple[str, int], datetime] = {}
        self._verified: OrderedDict[bytes, Sequence[x509.Certificate]] = OrderedDict()

    def add_revocations(self, revoked: x509.CertificateRevocationList) -> None:
        """Add a revocation list. Raises ValueError if no trusted authority has signed it."""
        issuers = [each for each in self._authorities if each.subject == revoked.issuer]
        if not any(_has_signed(each, revoked) for each in issuers):
            raise ValueError(
                f"no trusted authority has signed the revocation list of {revoked.issuer.rfc4514_string()}"
            )
        issuer = revoked.issuer.rfc4514_string()
        for each in revoked:
            self._revoked[issuer, each.serial_number] = each.revocation_date_utc

    def refusal(self, certificate: ClientCertificate, der: bytes, now: Instant) -> str:
        """Return why the certificate is not accepted at `now`; empty if it is. The text is a sentence for callers."""
        chain = self._chain(der)
        if not chain:
            return f"no trusted authority has issued it: its issuer is {certificate.issuer}"
        for each in chain:
            name = each.subject.rfc4514_string()
            if now < each.not_valid_before_utc:
                return f"{name} is not valid before {each.not_valid_before_utc:%d %B %Y, %H:%M} UTC"
            if now > each.not_valid_after_utc:
                return f"{name} expired on {each.not_valid_after_utc:%d %B %Y, %H:%M} UTC"
            at = self._revoked.get((each.issuer.rfc4514_string(), each.serial_number))
            if at is not None:
                return f"{name} was revoked on {at:%d %B %Y, %H:%M} UTC"
        return ""

    def _chain(self, der: bytes) -> Sequence[x509.Certificate]:
        """Return the certificate and its issuers up to a root; empty if there is no such chain."""
        found = self._verified.get(der)
        if found is None:
            found = self._verified[der] = self._build(x509.load_der_x509_certificate(der))
            if len(self._verified) > MOST_VERIFIED:
                self._verified.popitem(last=False)
        return found

    def _build(self, certificate: x509.Certificate) -> Sequence[x509.Certificate]:
        if not _is_for_clients(certificate):
            return ()
        chain = [certificate]
        while len(chain) <= LONGEST_CHAIN:
            issuer = next((each for each in self._authorities if _has_issued(each, chain[-1])), None)
            if issuer is None:
                return ()
            if issuer == chain[-1]:
                return chain
            chain.append(issuer)
        return ()


def read_authorities(pem: bytes) -> list[x509.Certificate]:
    """Return the authorities in a PEM file. Raises ValueError, also for a certificate that may not issue others."""
    found = x509.load_pem_x509_certificates(pem)
    for each in found:
        if not _may_issue(each):
            raise ValueError(f"{each.subject.rfc4514_string()} is not a certificate authority")
    return found


def read_revocations(pem: bytes) -> list[x509.CertificateRevocationList]:
    """Return the revocation lists in a PEM file. Raises ValueError."""
    end = b"-----END X509 CRL-----"
    parts = [each + end for each in pem.split(end)[:-1]]
    if not parts:
        raise ValueError("it has no revocation list")
    return [x509.load_pem_x509_crl(part.lstrip()) for part in parts]


def now() -> Instant:
    """Return the real time: dates of certificates do not follow the clock of a world."""
    return datetime.now(UTC)


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Return whether the signature proves that `issuer` has issued the certificate."""
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, *MALFORMED):
        return False
    return True


def _has_signed(issuer: x509.Certificate, revoked: x509.CertificateRevocationList) -> bool:
    key: CertificateIssuerPublicKeyTypes = issuer.public_key()  # pyright: ignore[reportAssignmentType]  # of a trusted authority
    try:
        return revoked.is_signature_valid(key)
    except (TypeError, UnsupportedAlgorithm):
        return False


def _may_issue(certificate: x509.Certificate) -> bool:
    """Return whether the certificate is that of an authority."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *MALFORMED):
        return False


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Return whether a client may use the certificate; one that names no use is for every use."""
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except MALFORMED:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in uses or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in uses
