"""Patients' access codes, sealed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Create the table. Existing referrals have no code until it is reset."""
    op.create_table(
        "access_codes",
        sa.Column("ubrn", sa.String(12), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ubrn", name=op.f("pk_access_codes")),
    )


def downgrade() -> None:
    """Refuse: the codes are printed on patients' letters."""
    raise NotImplementedError("restore a backup instead")
