"""The transaction that use cases see: one connection, with a repository for each kind of record."""

from __future__ import annotations

from openers.store.audit.patients import SqlAuditTrail
from openers.store.engine.statements import Connection
from openers.store.records.access_codes import SqlAccessCodes
from openers.store.records.claims import SqlClaims, SqlLinks
from openers.store.records.conversations import SqlConversations
from openers.store.records.credentials import SqlCredentials
from openers.store.records.directory import SqlDirectory
from openers.store.records.due import SqlDue
from openers.store.records.events import SqlEvents
from openers.store.records.files import SqlFiles
from openers.store.records.loading import SqlRecords
from openers.store.records.patient_mirror import SqlPatientMirror
from openers.store.records.patients import SqlPatients
from openers.store.records.referral_worklists import SqlWorklists
from openers.store.records.referrals import SqlReferrals
from openers.store.records.slots import SqlSlots
from openers.store.records.webhooks import SqlWebhooks
from openers.store.registers.exchanges import SqlExchanges
from openers.store.registers.registers import SqlRegisters


class SqlTx:
    """The `Tx` port over one connection."""

    __slots__ = (
        "access_codes",
        "audit",
        "claims",
        "conversations",
        "credentials",
        "directory",
        "due",
        "events",
        "exchanges",
        "files",
        "links",
        "mirror",
        "patients",
        "records",
        "referrals",
        "registers",
        "slots",
        "webhooks",
        "worklists",
    )

    def __init__(self, connection: Connection) -> None:
        """Create all repositories over `connection`, which is in the transaction that reads and writes."""
        self.referrals = SqlReferrals(connection)
        self.conversations = SqlConversations(connection)
        self.directory = SqlDirectory(connection)
        self.credentials = SqlCredentials(connection)
        self.patients = SqlPatients(connection)
        self.mirror = SqlPatientMirror(connection)
        self.due = SqlDue(connection)
        self.files = SqlFiles(connection)
        self.slots = SqlSlots(connection)
        self.records = SqlRecords(connection)
        self.claims = SqlClaims(connection)
        self.links = SqlLinks(connection)
        self.events = SqlEvents(connection)
        self.access_codes = SqlAccessCodes(connection)
        self.audit = SqlAuditTrail(connection)
        self.worklists = SqlWorklists(connection)
        self.webhooks = SqlWebhooks(connection)
        self.registers = SqlRegisters(connection)
        self.exchanges = SqlExchanges(connection)
