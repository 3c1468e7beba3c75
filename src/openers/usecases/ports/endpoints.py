"""The port for registered endpoints. The rules in `transaction.py` apply here too."""

from __future__ import annotations

from typing import Protocol

from openers.domain.endpoints.endpoint import Endpoint


class Endpoints(Protocol):
    """Registered endpoints by ASID."""

    async def get(self, asid: str) -> Endpoint | None:
        """Return the endpoint with this ASID."""
        ...

    async def of_certificate(self, fingerprint: str) -> Endpoint | None:
        """Return the endpoint with which a certificate (SHA-256, hexadecimal) is registered."""
        ...

    async def put(self, endpoint: Endpoint) -> None:
        """Add or replace an endpoint. A certificate belongs to the endpoint that was last put with it."""
        ...
