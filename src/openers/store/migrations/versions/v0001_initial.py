"""The first schema: records, directory, credentials, due work and audit."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

COUNTERS: Final = ("directory_version", "ubrn", "appointment")


def upgrade() -> None:
    """Create all tables."""
    _create_records()
    _create_directory()
    _create_credentials()
    _create_audit()
    _start_counters()


def downgrade() -> None:
    """Refuse: there is no earlier schema."""
    raise NotImplementedError("restore a backup instead")


def _create_records() -> None:
    op.create_table(
        "referrals",
        sa.Column("ubrn", sa.String(length=12), nullable=False),
        sa.Column("request_id", sa.String(length=38), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=12), nullable=False),
        sa.Column("workgroup", sa.String(length=100), nullable=True),
        sa.Column("patient", sa.String(length=10), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ubrn", name=op.f("pk_referrals")),
        sa.UniqueConstraint("request_id", name=op.f("uq_referrals_request_id")),
    )
    op.create_table(
        "history",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "version", name=op.f("pk_history")),
    )
    op.create_table(
        "due",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_due")),
    )
    op.create_index("ix_due_due_at", "due", ["due_at"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )


def _create_directory() -> None:
    op.create_table(
        "organisations",
        sa.Column("ods", sa.String(length=12), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ods", name=op.f("pk_organisations")),
    )
    op.create_table(
        "sites",
        sa.Column("ods", sa.String(length=12), nullable=False),
        sa.Column("organisation", sa.String(length=12), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ods", name=op.f("pk_sites")),
    )
    op.create_index(op.f("ix_sites_organisation"), "sites", ["organisation"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "user_roles",
        sa.Column("organisation", sa.String(length=12), nullable=False),
        sa.Column("user", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "user", name=op.f("pk_user_roles")),
    )
    op.create_index("ix_user_roles_user", "user_roles", ["user"], unique=False)
    op.create_table(
        "services",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
    )
    op.create_table(
        "applications",
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_applications")),
    )
    op.create_table(
        "patients",
        sa.Column("nhs_number", sa.String(length=10), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("nhs_number", name=op.f("pk_patients")),
    )


def _create_credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("session", sa.String(length=100), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_credentials")),
    )
    op.create_index(op.f("ix_credentials_expires"), "credentials", ["expires"], unique=False)
    op.create_index("ix_credentials_session", "credentials", ["session"], unique=False)


def _create_audit() -> None:
    op.create_table(
        "audit_blocks",
        sa.Column("writer", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name=op.f("pk_audit_blocks")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("writer", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("head_mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_pending",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_pending")),
    )


def _start_counters() -> None:
    for name in COUNTERS:
        op.execute(f"INSERT INTO counters (name, value) VALUES ('{name}', 0)")  # noqa: S608 - the names are constants
    if op.get_context().dialect.name == "postgresql":
        # creations must not wait for each other, as they would for a counter's row
        op.execute("CREATE SEQUENCE ubrn_numbers")
        op.execute("CREATE SEQUENCE appointment_numbers")
