"""The settings of TLS and of proxies: whether they fit each other. `openers.settings` has their fields and calls it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from openers.domain.endpoints.networks import is_network

TLS_ABOVE: Final = 443
"""Port of the TLS listener minus that of the plain one, unless it has a port of its own."""
HIGHEST_PORT: Final = 65535


class TlsSettings(Protocol):
    """The settings that belong together."""

    @property
    def port(self) -> int:
        """Return the port of the plain listener."""
        ...

    @property
    def metrics_port(self) -> int | None:
        """Return the port of the metrics."""
        ...

    @property
    def tls_port(self) -> int | None:
        """Return the port of the TLS listener."""
        ...

    @property
    def tls_certificate(self) -> Path | None:
        """Return the file of its certificate."""
        ...

    @property
    def tls_key(self) -> Path | None:
        """Return the file of its key."""
        ...

    @property
    def tls_client_ca(self) -> Sequence[Path]:
        """Return the files of authorities."""
        ...

    @property
    def tls_client_crl(self) -> Sequence[Path]:
        """Return the files of revocation lists."""
        ...

    @property
    def trusted_proxies(self) -> Sequence[str]:
        """Return addresses and networks of proxies."""
        ...


def tls_problems(settings: TlsSettings) -> list[str]:
    """Return conflicts between these settings, each with its cure."""
    wrong = {
        "TLS needs OPENERS_TLS_KEY too": settings.tls_certificate is not None and settings.tls_key is None,
        "TLS needs OPENERS_TLS_CERTIFICATE too": settings.tls_certificate is None and settings.tls_key is not None,
        "OPENERS_TLS_PORT needs OPENERS_TLS_CERTIFICATE and OPENERS_TLS_KEY": (
            settings.tls_certificate is None and settings.tls_port is not None
        ),
        f"OPENERS_TLS_PORT is missing: OPENERS_PORT plus {TLS_ABOVE} is above {HIGHEST_PORT}": (
            settings.tls_certificate is not None and settings.tls_port is None
        ),
        "OPENERS_TLS_PORT must differ from OPENERS_PORT and OPENERS_METRICS_PORT": (
            settings.tls_port is not None and settings.tls_port in (settings.port, settings.metrics_port)
        ),
        "OPENERS_TLS_CLIENT_CA needs OPENERS_TLS_CERTIFICATE, or OPENERS_TRUSTED_PROXIES": (
            bool(settings.tls_client_ca) and settings.tls_certificate is None and not settings.trusted_proxies
        ),
        "OPENERS_TLS_CLIENT_CRL needs OPENERS_TLS_CLIENT_CA, which has the issuers of those lists": (
            bool(settings.tls_client_crl) and not settings.tls_client_ca
        ),
    }
    return [problem for problem, is_wrong in wrong.items() if is_wrong] + [
        f"OPENERS_TRUSTED_PROXIES names {text!r}: it must be an address or a network, such as 10.1.0.0/16"
        for text in settings.trusted_proxies
        if not is_network(text)
    ]
