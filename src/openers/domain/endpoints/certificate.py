"""The client certificate of a caller, after its chain was verified."""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant


class ClientCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a request may know about the certificate of its caller.

    `subject` and `issuer` are names as RFC 4514 writes them. `serial` and `fingerprint` (SHA-256) are lower-case
    hexadecimal. `common_name` is the host name of the caller's system.
    """

    subject: str
    common_name: str
    issuer: str
    serial: str
    fingerprint: str
    not_before: Instant
    not_after: Instant
