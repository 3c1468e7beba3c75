"""Certificate authorities of an environment: a root, and a sub authority that issues certificates and revokes them.

`openers.tls.authority_files` stores them. The layout is the one that endpoints of the national platform know: the
authority writes the subject itself, and takes only the host name (CN) from a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, NamedTuple

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANISATION: Final = "OpenERS"
AUTHORITY_BITS: Final = 3072
LEAST_BITS: Final = 2048
"""Size of an authority's RSA key, and the least size of a requested one."""
BACKDATED: Final = timedelta(minutes=5)
"""How far certificates begin in the past, so that a caller whose clock is slow can use them."""
AUTHORITY_LIFE: Final = timedelta(days=3650)
LIST_LIFE: Final = timedelta(days=30)
"""How long a revocation list is current."""
HOST_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*", re.ASCII)
LONGEST_NAME: Final = 64
"""Longest common name. Source: RFC 5280 appendix A.1."""
REASONS: Final = {
    "unspecified": x509.ReasonFlags.unspecified,
    "key-compromise": x509.ReasonFlags.key_compromise,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
}


class RequestRefused(ValueError):
    """A request for a certificate cannot be signed. The text gives the cause and the cure."""


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """One issued certificate as the authority remembers it. `serial` and `fingerprint` are hexadecimal."""

    serial: str
    name: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    revoked: datetime | None = None
    reason: str = ""


class Authority(NamedTuple):
    """An authority that can sign: its certificate and its key."""

    certificate: x509.Certificate
    key: RSAPrivateKey


class Lifetime(NamedTuple):
    """When a certificate begins and ends."""

    begins: datetime
    ends: datetime


def new_authority(environment: str, now: datetime, above: Authority | None = None) -> Authority:
    """Return a new root authority of an environment, or with `above` its sub authority."""
    key = generate_private_key(65537, AUTHORITY_BITS)
    subject = _name("CA", f"{environment} {'Root' if above is None else 'Sub'} CA")
    issuer = Authority(None, key) if above is None else above  # pyright: ignore[reportArgumentType]  # a root signs itself
    builder = (
        _builder(subject, subject if above is None else above.certificate.subject, key.public_key())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1 if above is None else 0), critical=True)
        .add_extension(_usage(signs_others=True), critical=True)
    )
    if above is not None:
        builder = builder.add_extension(_issuer_key(above), critical=False)
    return Authority(builder.sign(issuer.key, hashes.SHA256()), key)


def sign(authority: Authority, pem: bytes, life: Lifetime, hosts: Sequence[str] = ()) -> x509.Certificate:
    """Return the certificate for a request (CSR, PEM or DER), usable by clients and servers.

    Extensions in the request are ignored. The certificate names its CN and `hosts`: names and IP addresses at which a
    server is reached. Raises RequestRefused.
    """
    request = _read_request(pem)
    name, key = _common_name(request), _public_key(request)
    if life.ends > authority.certificate.not_valid_after_utc:
        last = authority.certificate.not_valid_after_utc
        raise RequestRefused(f"the authority itself ends on {last:%d %B %Y}: ask for fewer days")
    alternatives = x509.SubjectAlternativeName([_alternative(each) for each in dict.fromkeys([name, *hosts])])
    builder = (
        _builder(_name("Devices", name), authority.certificate.subject, key)
        .not_valid_before(life.begins - BACKDATED)
        .not_valid_after(life.ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_others=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(alternatives, critical=False)
        .add_extension(_issuer_key(authority), critical=False)
    )
    return builder.sign(authority.key, hashes.SHA256())


def requested_name(content: bytes) -> str:
    """Return the host name that a request (CSR, PEM or DER) is for, in small letters. Raises RequestRefused."""
    return _common_name(_read_request(content))


def revocation_list(
    authority: Authority, revoked: Sequence[Issued], number: int, now: datetime
) -> x509.CertificateRevocationList:
    """Return the signed list of revoked certificates; `number` rises with each list."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + LIST_LIFE)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_issuer_key(authority), critical=False)
    )
    for each in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(int(each.serial, 16))
            .revocation_date(each.revoked or now)
            .add_extension(x509.CRLReason(REASONS[each.reason or "unspecified"]), critical=False)
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, hashes.SHA256())


def issued(certificate: x509.Certificate) -> Issued:
    """Return what the authority remembers of a certificate that it has signed."""
    return Issued(
        serial=f"{certificate.serial_number:x}",
        name=str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _read_request(content: bytes) -> x509.CertificateSigningRequest:
    """Return the request after a check of its signature. Raises RequestRefused."""
    try:
        is_pem = content.lstrip().startswith(b"-----BEGIN")
        request = x509.load_pem_x509_csr(content) if is_pem else x509.load_der_x509_csr(content)
    except (ValueError, x509.InvalidVersion) as error:
        cure = "make one with `openssl req -new -newkey rsa:2048 -nodes -keyout KEY -out FILE`"
        raise RequestRefused(f"the file is not a certificate signing request: {cure}") from error
    digest = request.signature_hash_algorithm
    if digest is not None and digest.name in ("sha1", "md5"):
        raise RequestRefused(
            f"the request is signed with {digest.name.upper()}: sign it with SHA-256 (openssl -sha256)"
        )
    try:
        is_valid = request.is_signature_valid
    except UnsupportedAlgorithm:
        is_valid = False
    if not is_valid:
        raise RequestRefused("the signature of the request does not fit its key: make the request again")
    return request


def _common_name(request: x509.CertificateSigningRequest) -> str:
    """Return the one host name of a request. Raises RequestRefused."""
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise RequestRefused(f"the subject has {len(names)} common names (CN): it must have one, the host name")
    name = str(names[0].value)
    if len(name) > LONGEST_NAME or not HOST_NAME.fullmatch(name):
        raise RequestRefused(
            f"the common name (CN) {name[:LONGEST_NAME]!r} is not a host name, such as ers.surgery.example"
        )
    return name.lower()


def _public_key(request: x509.CertificateSigningRequest) -> RSAPublicKey:
    """Return the key of a request. Raises RequestRefused."""
    try:
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        size = f"RSA of {key.key_size} bits" if isinstance(key, RSAPublicKey) else "not RSA"
        raise RequestRefused(
            f"the key is {size}: it must be RSA of {LEAST_BITS} bits or more (openssl -newkey rsa:2048)"
        )
    return key


def _alternative(host: str) -> x509.GeneralName:
    """Return a host name or an IP address as a name of a server. Raises RequestRefused."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    if not HOST_NAME.fullmatch(host):
        raise RequestRefused(f"{host!r} is neither a host name nor an IP address")
    return x509.DNSName(host.lower())


def _name(unit: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: RSAPublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _issuer_key(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_others,
        content_commitment=False,
        key_encipherment=not signs_others,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )
