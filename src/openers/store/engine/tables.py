"""The tables of both databases. Constraints have names, so that each violation can be identified.

A record's row holds its current value (`body`, JSON). Its other columns are those that look-ups, lists and locks need.
`history` receives each replaced value. Instants are whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _body() -> Column[bytes]:
    return Column("body", LargeBinary, nullable=False)


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default="1")


def _walk(name: str, *columns: str) -> Index:
    """Return a partial index in the order of one worklist; it contains only rows on such a list."""
    there = text(f"{columns[0]} IS NOT NULL")
    return Index(f"ix_referrals_{name}", *columns, sqlite_where=there, postgresql_where=there)


_ORDER: Final = ("rank", "since", "ubrn")

referrals = Table(
    "referrals",
    metadata,
    Column("ubrn", String(12), primary_key=True),
    Column("request_id", String(38), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("owner", String(12), nullable=False),
    Column("workgroup", String(100)),
    Column("patient", String(10), nullable=False),
    _body(),
    Column("appointment", BigInteger),
    Column("slot", BigInteger),
    Column("provider_list", String(40)),
    Column("referrer_list", String(40)),
    Column("letter_list", String(40)),
    Column("rank", Integer),
    Column("since", BigInteger),
    Column("service", BigInteger),
    Column("specialty", String(40)),
    Column("site", String(12)),
    Column("clinician", String(12)),
    Index("uq_referrals_appointment", "appointment", unique=True),
    Index("uq_referrals_slot", "slot", unique=True),
    _walk("provider", "provider_list", "workgroup", *_ORDER, "version", "patient"),
    _walk("provider_service", "provider_list", "service", *_ORDER, "workgroup", "version", "patient"),
    _walk("provider_specialty", "provider_list", "workgroup", "specialty", *_ORDER),
    _walk("provider_site", "provider_list", "workgroup", "site", *_ORDER),
    _walk("provider_clinician", "provider_list", "workgroup", "clinician", *_ORDER),
    _walk("referrer", "referrer_list", "owner", *_ORDER, "version", "patient"),
    _walk("letter", "letter_list", "owner", *_ORDER, "version", "patient"),
    Index("ix_referrals_patient", "patient"),
)
"""Referrals by UBRN.

`owner` and `workgroup` decide who may see one. `slot` is the slot of the current booking; its unique index finally
prevents a double booking. The columns from `provider_list` on are for worklists. Each list has its own index, ordered
by `rank` (of the priority) and `since` (when the wait began). An empty `clinician` means no clinician. `rank` is null
only in rows from before worklists existed, until they are listed.
"""

conversations = Table(
    "conversations",
    metadata,
    Column("ubrn", String(12), primary_key=True),
    Column("request_id", String(38), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("owner", String(12), nullable=False),
    Column("workgroup", String(100), nullable=False),
    Column("patient", String(10), nullable=False),
    _body(),
    Column("listed", Integer, nullable=False),
    Column("service", BigInteger, nullable=False),
    Column("specialty", String(100), nullable=False),
    Column("location", String(12), nullable=False),
    Column("clinician", String(12)),
    Index("ix_conversations_worklist", "workgroup", "listed", "service", "specialty", "location", "clinician"),
    Index("ix_conversations_patient", "patient"),
)
"""Requests for advice by UBRN; a converted request shares its UBRN with the referral. `listed` is 1 while it is open.
The index holds all columns by which a worklist can be filtered.
"""

history = Table(
    "history",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("key", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    _body(),
)
"""Replaced values of all kinds of record."""

organisations = Table("organisations", metadata, Column("ods", String(12), primary_key=True), _version(), _body())
sites = Table(
    "sites",
    metadata,
    Column("ods", String(12), primary_key=True),
    Column("organisation", String(12), nullable=False, index=True),
    _version(),
    _body(),
)
users = Table("users", metadata, Column("id", String(12), primary_key=True), _version(), _body())
user_roles = Table(
    "user_roles",
    metadata,
    Column("organisation", String(12), primary_key=True),
    Column("user", String(12), primary_key=True),
    Index("ix_user_roles_user", "user"),
)
"""Users by organisation in which they have a role."""

services = Table(
    "services",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("organisation", String(12), nullable=False, server_default=text("''")),
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Column("name_key", Text, nullable=False, server_default=text("''")),
    _body(),
    Index("ix_services_organisation", "organisation", "id"),
    Index("ix_services_changed", "changed"),
    Index("ix_services_name_key", "name_key"),
)
"""Services. `changed` is the directory's version of the last change: a search index reads those above its own.
`name_key` is the name without the difference of capital letters.
"""
service_drafts = Table(
    "service_drafts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("organisation", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name_key", Text, nullable=False),
    _body(),
    Index("ix_service_drafts_organisation", "organisation", "id"),
    Index("ix_service_drafts_name_key", "name_key"),
)
"""Drafts of services, beside the live ones."""
commissioning_rules = Table(
    "commissioning_rules",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("service", BigInteger, nullable=False, index=True),
    Column("commissioner", String(12), nullable=False, index=True),
    Column("starts", String(10), nullable=False),
    Column("active", Integer, nullable=False),
    _version(),
    _body(),
)
"""Rules by which the organisations of a commissioner may refer to a service."""
code_sets = Table("code_sets", metadata, Column("starts", String(10), primary_key=True), _version(), _body())
"""Dated code sets, by their first day. They are few, and each process keeps all of them."""
applications = Table("applications", metadata, Column("client_id", String(100), primary_key=True), _version(), _body())
patients = Table(
    "patients",
    metadata,
    Column("nhs_number", String(10), primary_key=True),
    _version(),
    _body(),
    Column("sensitive", Integer, nullable=False, server_default="0"),
    Column("born", String(10)),
    Index("ix_patients_sensitive", "nhs_number", "sensitive"),
    Index("ix_patients_born", "born"),
)
"""Patients by NHS number. `born` is the date of birth: a search reads the few patients who share one."""
patient_mirror = Table(
    "patient_mirror",
    metadata,
    Column("nhs_number", String(10), primary_key=True),
    Column("asked", BigInteger, nullable=False, index=True),
    _body(),
)
"""What PDS said of the numbers in `patients` that came from it. `asked` is when it was last asked."""

credentials = Table(
    "credentials",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("session", String(100), nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
    _body(),
    Column("person", String(12), nullable=False, server_default=text("''")),
    Column("application", String(100), nullable=False, server_default=text("''")),
    Index("ix_credentials_session", "session"),
    Index("ix_credentials_person", "person"),
    Index("ix_credentials_application", "application"),
)
"""Tokens, codes and used assertion ids under their SHA-256, with the session, the person and the application with which
they end."""

access_codes = Table(
    "access_codes",
    metadata,
    Column("ubrn", String(12), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("failures", Integer, nullable=False),
)
"""Patients' access codes, sealed with a key outside the store. `failures` counts consecutive wrong codes."""

due = Table(
    "due",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("claimed_until", BigInteger, nullable=False),
    Index("ix_due_due_at", "due_at"),
)
"""Background work. An item is unclaimed if `claimed_until` is in the past."""

counters = Table(
    "counters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Numbers that only rise: the directory's version, and on SQLite the last number of each series."""

slots = Table(
    "slots",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("service", BigInteger, nullable=False),
    Column("pas_id", String(64), nullable=False),
    Column("usrn", String(64), nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("clinician", String(12)),
    Column("priorities", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("first_seen", BigInteger, nullable=False, server_default="0"),
    Index("uq_slots_pas_id", "service", "pas_id", unique=True),
    Index("ix_slots_free", "service", "state", "start_at", "id", "priorities", "clinician", "first_seen"),
)
"""Polled slots. `priorities` is a bit set: 1 routine, 2 urgent, 4 two week wait. The index for free slots holds all
columns of a search, so counting reads only the index.
"""

claims = Table(
    "claims",
    metadata,
    Column("ubrn", String(12), primary_key=True),
    Column("key", String(40), nullable=False, unique=True),
    Column("slot", BigInteger, unique=True),
    Column("expires", BigInteger, nullable=False),
    _body(),
)
"""Acts in progress on a referral: a booking or cancellation that a PAS has not answered yet."""

files = Table(
    "files",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("attached_to", String(12), index=True),
    Column("blob", String(100), nullable=False, unique=True),
    _body(),
)
"""Uploaded files. `attached_to` is the UBRN of the request to which one is attached; `blob` is the key of its content.
"""

pas_links = Table(
    "pas_links",
    metadata,
    Column("service", BigInteger, primary_key=True, autoincrement=False),
    _version(),
    _body(),
)

worklist_calls = Table(
    "worklist_calls",
    metadata,
    Column("application", String(100), primary_key=True),
    Column("service", BigInteger, primary_key=True, autoincrement=False),
    Column("day", String(10), nullable=False),
    Column("calls", Integer, nullable=False),
)
"""Number of worklist calls of an application for a service, on the last day with a call."""

polls = Table("polls", metadata, Column("service", BigInteger, primary_key=True, autoincrement=False), _body())

poll_reports = Table(
    "poll_reports", metadata, Column("service", BigInteger, primary_key=True, autoincrement=False), _body()
)
"""What the PAS of each service sent at its last poll, and what became of it."""

events = Table(
    "events",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _body(),
    Column("key", String(40)),
    Index("ix_events_key", "key", "number"),
)
"""Events, in order of commit. `key` is that of the record."""

webhooks = Table("webhooks", metadata, Column("id", String(40), primary_key=True), _version(), _body())

endpoints = Table(
    "endpoints",
    metadata,
    Column("asid", String(12), primary_key=True),
    Column("organisation", String(12), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    _body(),
)
"""Registered endpoints."""
endpoint_certificates = Table(
    "endpoint_certificates",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("asid", String(12), nullable=False, index=True),
)
"""The endpoint of each registered certificate."""

audit_blocks = Table(
    "audit_blocks",
    metadata,
    Column("writer", String(40), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entries", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("writer", String(40), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("head_mac", LargeBinary, nullable=False),
)
audit_pending = Table(
    "audit_pending",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("entry", LargeBinary, nullable=False),
)
"""Entries not yet sealed in a block (PostgreSQL, where many processes write)."""

audit_patients = Table(
    "audit_patients",
    metadata,
    Column("patient", String(10), primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("writer", String(40), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""The sealed entries that concern a patient: the `size` bytes from `start` (counted from 1) in a block's entries."""

exchange_log = Table(
    "exchange_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)
"""One row: the number of the last batch of exchanges, and the bytes of all batches."""
exchange_batches = Table(
    "exchange_batches",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),
)
"""Logged exchanges, many in a row. `until` is when they are too old."""
