"""Slots, claims, links to Patient Administration Systems, events; slot and appointment of a referral."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Create the tables and columns."""
    _extend_referrals()
    _create_slots()
    _create_claims()
    _create_links_and_events()
    op.execute("INSERT INTO counters (name, value) VALUES ('slot', 0)")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE slot_numbers")


def downgrade() -> None:
    """Refuse: bookings would be lost."""
    raise NotImplementedError("restore a backup instead")


def _extend_referrals() -> None:
    op.add_column("referrals", sa.Column("appointment", sa.BigInteger()))
    op.add_column("referrals", sa.Column("slot", sa.BigInteger()))
    op.create_index("uq_referrals_appointment", "referrals", ["appointment"], unique=True)
    op.create_index("uq_referrals_slot", "referrals", ["slot"], unique=True)


def _create_slots() -> None:
    op.create_table(
        "slots",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("service", sa.BigInteger(), nullable=False),
        sa.Column("pas_id", sa.String(64), nullable=False),
        sa.Column("usrn", sa.String(64), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("clinician", sa.String(12)),
        sa.Column("priorities", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slots")),
    )
    op.create_index("uq_slots_pas_id", "slots", ["service", "pas_id"], unique=True)
    op.create_index("ix_slots_free", "slots", ["service", "state", "start_at", "id", "priorities", "clinician"])


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("ubrn", sa.String(12), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("slot", sa.BigInteger()),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ubrn", name=op.f("pk_claims")),
        sa.UniqueConstraint("key", name=op.f("uq_claims_key")),
        sa.UniqueConstraint("slot", name=op.f("uq_claims_slot")),
    )


def _create_links_and_events() -> None:
    op.create_table(
        "pas_links",
        sa.Column("service", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_pas_links")),
    )
    op.create_table(
        "polls",
        sa.Column("service", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_polls")),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_events")),
    )
