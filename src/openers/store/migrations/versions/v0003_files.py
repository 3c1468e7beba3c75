"""Uploaded files, and the numbers of attachments."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Create the table and the series."""
    op.create_table(
        "files",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("attached_to", sa.String(12)),
        sa.Column("blob", sa.String(100), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("blob", name=op.f("uq_files_blob")),
    )
    op.create_index("ix_files_attached_to", "files", ["attached_to"])
    op.execute("INSERT INTO counters (name, value) VALUES ('attachment', 0)")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE attachment_numbers")


def downgrade() -> None:
    """Refuse: letters would be lost."""
    raise NotImplementedError("restore a backup instead")
