"""Registered endpoints, and the certificates with which they call."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0008"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "endpoints",
        sa.Column("asid", sa.String(12), nullable=False),
        sa.Column("organisation", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("asid", name=op.f("pk_endpoints")),
    )
    op.create_index(op.f("ix_endpoints_organisation"), "endpoints", ["organisation"])
    op.create_table(
        "endpoint_certificates",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("asid", sa.String(12), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_endpoint_certificates")),
    )
    op.create_index(op.f("ix_endpoint_certificates_asid"), "endpoint_certificates", ["asid"])


def downgrade() -> None:
    """Refuse: registered endpoints would be lost."""
    raise NotImplementedError("restore a backup instead")
