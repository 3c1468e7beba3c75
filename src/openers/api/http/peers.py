"""Who is at the other end of a connection: the address and the client certificate of the caller of each request.

Both come from the connection itself, or from headers that a trusted proxy sets. Headers of these names from anybody
else are removed. `openers.api.http.connections` calls it for each request, before the application sees the request.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, cast

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from openers.api.http.request import Request, Scope, Stop
from openers.domain.endpoints.certificate import ClientCertificate
from openers.domain.endpoints.networks import Network, is_in, networks_of
from openers.tls.files import TlsFiles, Watched
from openers.tls.reading import der_of_header, read_certificate
from openers.tls.trust import now
from openers.wire import problems

OURS: Final = b"x-openers-client-"
"""Beginning of the headers that only a trusted proxy may send, with a dash for each underscore."""
CERTIFICATE: Final = b"x-openers-client-cert"
FORWARDED_FOR: Final = b"x-forwarded-for"
_KEY: Final = "openers.certificate"
_VERSIONS: Final = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
Headers = list[tuple[bytes, bytes]]


class Presented(NamedTuple):
    """The client certificate of a request. `refusal` is a sentence if it is not accepted, else empty."""

    certificate: ClientCertificate | None
    refusal: str = ""


class TlsPeer(NamedTuple):
    """What the handshake of a connection established: the version of TLS, and the client's certificate (DER)."""

    version: str
    der: bytes | None
    pem: str = ""


class Peers:
    """The trusted proxies and the trusted authorities of a service."""

    def __init__(self, proxies: Sequence[str] = (), files: TlsFiles | None = None) -> None:
        """Trust the proxies in these networks. `files` have the authorities. Raises ValueError for a wrong network."""
        self._proxies: Sequence[Network] = networks_of(proxies)
        self._trust = Watched(files or TlsFiles(), (files or TlsFiles()).trust)

    def describe(self, scope: Scope, headers: Headers, tls: TlsPeer | None) -> None:
        """Add the caller's address and certificate to a scope; remove the headers that only a proxy may send."""
        is_proxied = tls is None and bool(self._proxies) and self._trusts(scope)
        ours = [header for header in headers if _is_ours(header[0])]
        if ours:
            headers[:] = [header for header in headers if not _is_ours(header[0])]
        if tls is not None:
            _extend(scope, tls.version, tls.pem, None if tls.der is None else self._presented(tls.der))
        elif is_proxied:
            scope["client"] = _forwarded(headers, self._proxies) or scope["client"]
            passed = _passed_on(ours)
            if passed is not None:
                _extend(scope, "", "", passed if isinstance(passed, Presented) else self._presented(passed))

    def check(self) -> None:
        """Read the files of the authorities. Raises TlsFileError."""
        self._trust.now()

    def _trusts(self, scope: Scope) -> bool:
        client = scope.get("client")
        return bool(client) and is_in(str(client[0]), self._proxies)

    def _presented(self, der: bytes) -> Presented:
        """Return the certificate, with the reason if it is not accepted at present."""
        try:
            certificate = read_certificate(der)
        except ValueError as error:
            return Presented(None, f"it cannot be read: {error}")
        return Presented(certificate, self._trust.now().refusal(certificate, der, now()))


def peer_of(tls: ssl.SSLObject) -> TlsPeer:
    """Return what a finished handshake established."""
    der = tls.getpeercert(binary_form=True)
    pem = "" if der is None else load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
    return TlsPeer(tls.version() or "", der, pem)


def presented(scope: Scope) -> Presented | None:
    """Return the client certificate of a request; `None` if the caller has presented none."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    return cast("Presented | None", extensions.get("tls", {}).get(_KEY))


def check_certificate(request: Request) -> None:
    """Raise Stop if the caller presents a client certificate that is not accepted."""
    found = presented(request.scope)
    if found is not None and found.refusal:
        raise Stop(problems.certificate_refused(found.refusal))


def _extend(scope: Scope, version: str, pem: str, certificate: Presented | None) -> None:
    """Add ASGI's extension for TLS, and the certificate as the service reads it."""
    extension = {
        "server_cert": None,
        "client_cert_chain": [pem] if pem else [],
        "client_cert_name": certificate.certificate.subject if certificate and certificate.certificate else None,
        "client_cert_error": (certificate.refusal or None) if certificate else None,
        "tls_version": _VERSIONS.get(version),
        "cipher_suite": None,
        _KEY: certificate,
    }
    scope["extensions"] = {**(scope.get("extensions") or {}), "tls": extension}


def _passed_on(ours: Headers) -> bytes | Presented | None:
    """Return the certificate (DER) that a trusted proxy passes on, or why there is none in spite of a header."""
    values = [value for name, value in ours if name == CERTIFICATE and value.strip()]
    if not values:
        return None
    if len(values) > 1:
        return Presented(None, "the proxy passed on more than one")
    try:
        return der_of_header(values[0])
    except ValueError as error:
        return Presented(None, f"the proxy passed it on in a wrong form: {error}")


def _forwarded(headers: Headers, proxies: Sequence[Network]) -> tuple[str, int] | None:
    """Return the last address in X-Forwarded-For that is not one of a trusted proxy."""
    listed = b",".join(value for name, value in headers if name == FORWARDED_FOR).decode("latin-1").split(",")
    for text in reversed([each.strip() for each in listed]):
        try:
            address = str(ip_address(text))
        except ValueError:
            return None
        if not is_in(address, proxies):
            return address, 0
    return None


def _is_ours(name: bytes) -> bool:
    """Return whether only a trusted proxy may send a header of this name."""
    return name[:1] == b"x" and name.replace(b"_", b"-").startswith(OURS)
