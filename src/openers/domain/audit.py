"""The audit entry of a call: who did what, when, on whose record, with which outcome.

The edge opens one entry for each call and the use case adds the records concerned. The store persists the entry before
the reply is sent. Source: rules chapter 8 (Audit), with the correlation and request ids and the outcome added.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from openers.domain.clock import Instant
from openers.domain.identifiers import NhsNumber, ServiceId, Ubrn, UserId
from openers.domain.principal import Principal

SYSTEM: Final = "SYSTEM"
"""The user of entries that the service itself causes, without a caller."""


class AuditPlace(NamedTuple):
    """The place of a stored entry among those of a patient: they are in the order of these values."""

    at: Instant
    writer: str = ""
    block: int = 0
    start: int = 0


class AuditEntry(msgspec.Struct, omit_defaults=True):
    """One audit entry. Mutable until it is stored; names follow the published audit fields.

    If `repeated` is set, the entry represents that many identical refusals, which came from the address `source`.
    `attachment` is the number or the id of a file that was read, `related` are other referrals of the same pathway,
    `records` are the keys of the records that an import has put. `patients` are the patients of a reply that shows
    several. `patient_as_of` is the age of a patient's record that
    was used because PDS was silent.
    """

    event_type: str
    audit_type: str
    at: Instant
    operation: str = ""
    request_id: str = ""
    correlation_id: str = ""
    user: str = ""
    on_behalf_of: UserId | None = None
    organisation: str = ""
    business_function: str = ""
    application: str = ""
    session: str = ""
    asid: str = ""
    fqdn: str = ""
    ubrn: Ubrn | None = None
    nhs_number: NhsNumber | None = None
    services: tuple[ServiceId, ...] = ()
    records: tuple[str, ...] = ()
    act: str = ""
    outcome: int = 0
    code: str = ""
    source: str = ""
    repeated: int = 0
    resource_type: str = ""
    related: tuple[Ubrn, ...] = ()
    attachment: str = ""
    attachment_type: str = ""
    file_name: str = ""
    patient_as_of: Instant | None = None
    patients: tuple[NhsNumber, ...] = ()

    def by(self, principal: Principal) -> None:
        """Record the caller."""
        self.user, self.on_behalf_of = principal.user, principal.on_behalf_of
        self.organisation, self.business_function = principal.organisation, principal.function
        self.application, self.session, self.asid = principal.application, principal.session, principal.asid

    def touched(self, *, ubrn: Ubrn | None = None, patient: NhsNumber | None = None) -> None:
        """Record the request and the patient that the call concerns."""
        self.ubrn, self.nhs_number = ubrn or self.ubrn, patient or self.nhs_number

    def showed(self, patients: Iterable[NhsNumber]) -> None:
        """Record all patients that the reply shows."""
        self.patients = tuple(dict.fromkeys(patients))

    def read_file(self, attachment: str, name: str) -> None:
        """Record the file that the call has read; the type of an attachment is the end of its name."""
        _, dot, extension = name.rpartition(".")
        self.attachment, self.file_name = attachment, name
        self.attachment_type = f".{extension.upper()}" if dot else ""
