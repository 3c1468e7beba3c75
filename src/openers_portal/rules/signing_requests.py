"""Certificate signing requests: each check by itself, so that a page can explain which one fails.

Source: rules part 2, chapters 4.1 and 4.6; the environment checks the same again when it signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

LEAST_BITS: Final = 2048
LONGEST: Final = 16_000
WEAK: Final = frozenset({"sha1", "md5"})
MALFORMED: Final = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)


class Check(msgspec.Struct, frozen=True):
    """One check of a request: what must hold, whether it does, and what was found or what to do."""

    rule: str
    holds: bool
    told: str


def checks(pem: str, fqdn: str) -> Sequence[Check]:
    """Return the checks of a request (PEM) for the endpoint with this host name, up to one that stops the others."""
    return list(_checks(pem, fqdn))


def alone(pem: str) -> str:
    """Return a request that passed all checks, without the text around it. Raises ValueError."""
    return x509.load_pem_x509_csr(pem[:LONGEST].encode()).public_bytes(Encoding.PEM).decode()


def _checks(pem: str, fqdn: str) -> Iterator[Check]:
    rule = "It is a certificate signing request in PEM form"
    try:
        request = x509.load_pem_x509_csr(pem[:LONGEST].encode())
    except MALFORMED:
        yield Check(rule, False, "Paste the whole file, with the lines BEGIN and END CERTIFICATE REQUEST")
        return
    yield Check(rule, True, "Read")
    yield _digest(request)
    yield _signature(request)
    yield _name(request, fqdn)
    yield _key(request)


def _digest(request: x509.CertificateSigningRequest) -> Check:
    rule = "It is signed with SHA-256 or better"
    try:
        found = "" if request.signature_hash_algorithm is None else request.signature_hash_algorithm.name
    except UnsupportedAlgorithm:
        found = "an unknown algorithm"
    if found in WEAK or not found.startswith("sha"):
        return Check(rule, False, f"It is signed with {found or 'no digest'}: add -sha256 to the command of openssl")
    return Check(rule, True, f"Signed with {found.upper()}")


def _signature(request: x509.CertificateSigningRequest) -> Check:
    rule = "Its signature fits its key"
    try:
        holds = request.is_signature_valid
    except (*MALFORMED, TypeError):
        holds = False
    return Check(rule, holds, "It fits" if holds else "It does not fit: make the request again")


def _name(request: x509.CertificateSigningRequest, fqdn: str) -> Check:
    rule = f"Its common name (CN) is {fqdn}"
    names = [str(each.value) for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1:
        return Check(rule, False, f"It has {len(names)} common names: use the subject /CN={fqdn}")
    holds = names[0].lower() == fqdn.lower()
    return Check(rule, holds, "It is" if holds else f"It is {names[0][:80]}: use the subject /CN={fqdn}")


def _key(request: x509.CertificateSigningRequest) -> Check:
    rule = f"Its key is RSA of {LEAST_BITS} bits or more"
    try:
        key = request.public_key()
    except MALFORMED:
        key = None
    if not isinstance(key, RSAPublicKey):
        return Check(rule, False, "It is another kind of key: use -newkey rsa:2048")
    holds = key.key_size >= LEAST_BITS
    return Check(rule, holds, f"RSA of {key.key_size} bits" + ("" if holds else ": use -newkey rsa:2048"))
