"""Patients come from PDS: when it was last asked for each number, and what it said."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0016"
down_revision: Final = "0015"


def upgrade() -> None:
    """Add the empty mirror. Patients that are stored already came from elsewhere, so PDS is asked for each first."""
    op.create_table(
        "patient_mirror",
        sa.Column("nhs_number", sa.String(10), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("nhs_number", name=op.f("pk_patient_mirror")),
    )
    op.create_index(op.f("ix_patient_mirror_asked"), "patient_mirror", ["asked"])


def downgrade() -> None:
    """Refuse: it would be unknown which patients come from PDS."""
    raise NotImplementedError("restore a backup instead")
