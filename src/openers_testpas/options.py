"""The options of a Test PAS."""

from __future__ import annotations

from pathlib import Path

import msgspec

from openers_testpas.faults import Fault
from openers_testpas.hospital.clinics import DEMO


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """All options. Without a client key, notifications wait in the outbox.

    `base_url` is the public address of this system. `service` is the service's own address; `service_at` is its address
    from here, if different. Pauses between notification attempts double from the first to the longest.
    """

    service: str = "http://127.0.0.1:8000"
    service_at: str | None = None
    host: str = "127.0.0.1"
    port: int = 8002
    base_url: str | None = None
    database: Path = Path("var/testpas.db")
    client_id: str = "demo-pas"
    client_key: Path | None = None
    clinics: Path = DEMO
    seed: int = 1
    days: int = 56
    faults: tuple[Fault, ...] = ()
    first_pause_s: float = 1.0
    longest_pause_s: float = 300.0

    @property
    def address(self) -> str:
        """Return the address of this system, without a slash at its end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def fhir_url(self) -> str:
        """Return the FHIR base URL of slots and appointments, which is also the audience of the service's tokens."""
        return f"{self.address}/fhir"

    @property
    def service_url(self) -> str:
        """Return the service's own address, without a slash at its end, which is the issuer of its tokens."""
        return self.service.rstrip("/")

    @property
    def service_address(self) -> str:
        """Return the address at which this system reaches the service, without a slash at its end."""
        return (self.service_at or self.service).rstrip("/")
