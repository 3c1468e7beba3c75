"""Read client certificates: from a TLS connection, and from the header in which a trusted proxy passes them on."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from openers.domain.clock import in_utc
from openers.domain.endpoints.certificate import ClientCertificate

LONGEST_DER: Final = 16 * 1024
"""Longest client certificate, in bytes."""
MALFORMED: Final = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""Errors of `cryptography` for a malformed certificate."""
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


@lru_cache(maxsize=256)
def read_certificate(der: bytes) -> ClientCertificate:
    """Return the values of a certificate. Raises ValueError if it is malformed or too long."""
    if len(der) > LONGEST_DER:
        raise ValueError(f"the certificate is longer than {LONGEST_DER} bytes")
    try:
        return _values_of(x509.load_der_x509_certificate(der))
    except MALFORMED as error:
        raise ValueError("the certificate is malformed") from error


def _values_of(found: x509.Certificate) -> ClientCertificate:
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return ClientCertificate(
        subject=found.subject.rfc4514_string(),
        common_name=str(names[0].value) if len(names) == 1 else "",
        issuer=found.issuer.rfc4514_string(),
        serial=f"{found.serial_number:x}",
        fingerprint=found.fingerprint(hashes.SHA256()).hex(),
        not_before=in_utc(found.not_valid_before_utc),
        not_after=in_utc(found.not_valid_after_utc),
    )


def der_of_header(value: bytes) -> bytes:
    """Return the certificate in the value of a proxy's header: PEM with percent signs, or DER in base64.

    nginx writes the first form, HAProxy the second. Raises ValueError.
    """
    text = unquote_to_bytes(value).strip()
    try:
        if text.startswith(_BEGIN):
            return x509.load_pem_x509_certificate(text).public_bytes(Encoding.DER)
        return base64.b64decode(text, validate=True)
    except MALFORMED as error:
        raise ValueError("the certificate is neither PEM nor base64") from error
