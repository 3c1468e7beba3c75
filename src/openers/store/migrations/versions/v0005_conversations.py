"""Requests for advice, and the numbers of messages."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Create the table and the series."""
    op.create_table(
        "conversations",
        sa.Column("ubrn", sa.String(12), nullable=False),
        sa.Column("request_id", sa.String(38), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(12), nullable=False),
        sa.Column("workgroup", sa.String(100), nullable=False),
        sa.Column("patient", sa.String(10), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("service", sa.BigInteger(), nullable=False),
        sa.Column("specialty", sa.String(100), nullable=False),
        sa.Column("location", sa.String(12), nullable=False),
        sa.Column("clinician", sa.String(12)),
        sa.PrimaryKeyConstraint("ubrn", name=op.f("pk_conversations")),
        sa.UniqueConstraint("request_id", name=op.f("uq_conversations_request_id")),
    )
    op.create_index(
        "ix_conversations_worklist",
        "conversations",
        ["workgroup", "listed", "service", "specialty", "location", "clinician"],
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('communication', 0)")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE communication_numbers")


def downgrade() -> None:
    """Refuse: advice would be lost."""
    raise NotImplementedError("restore a backup instead")
