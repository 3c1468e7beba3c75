"""Dated code sets, and what the PAS of each service sent at its last poll."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0017"
down_revision: Final = "0016"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "code_sets",
        sa.Column("starts", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("starts", name=op.f("pk_code_sets")),
    )
    op.create_table(
        "poll_reports",
        sa.Column("service", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_poll_reports")),
    )


def downgrade() -> None:
    """Refuse: code sets would be lost."""
    raise NotImplementedError("restore a backup instead")
