"""An endpoint: one system of one organisation, as it is registered in an environment.

One product at one organisation has one ASID in each environment.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.endpoints.networks import networks_of
from openers.domain.identifiers import OdsCode

ASID: Final = re.compile(r"[0-9]{12}", re.ASCII)
FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
OPERATION: Final = re.compile(r"[AX][0-9]{3}", re.ASCII)


class EndpointStatus(StrEnum):
    """Whether an endpoint may call."""

    REQUESTED = "requested"
    ISSUED = "issued"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class EndpointCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A registered certificate: its SHA-256 (hexadecimal) and the name of its issuer (RFC 4514)."""

    fingerprint: str
    issuer: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One registered endpoint.

    `asid` is its accredited system id (12 digits), `fqdn` its host name, `party_key` the key of its message handler.
    `source_addresses` are addresses and networks from which it calls; none means any. `operations` are the operations
    of the session API that it may call, such as `A001`.
    """

    asid: str
    environment: str
    organisation: OdsCode
    fqdn: str
    product: str = ""
    version: str = ""
    party_key: str = ""
    certificates: tuple[EndpointCertificate, ...] = ()
    source_addresses: tuple[str, ...] = ()
    operations: frozenset[str] = frozenset()
    status: EndpointStatus = EndpointStatus.REQUESTED

    def __post_init__(self) -> None:
        """Raise ValueError for an id, a fingerprint, an address or an operation in another form."""
        if not ASID.fullmatch(self.asid):
            raise ValueError(f"the ASID {self.asid[:20]!r} must have 12 digits")
        for each in self.certificates:
            if not FINGERPRINT.fullmatch(each.fingerprint):
                raise ValueError(f"{each.fingerprint[:80]!r} must be a SHA-256 in 64 lower-case hexadecimal digits")
        networks_of(self.source_addresses)
        for operation in self.operations:
            if not OPERATION.fullmatch(operation):
                raise ValueError(f"the operation {operation[:20]!r} must be like A001")
