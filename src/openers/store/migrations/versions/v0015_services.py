"""Services are defined: drafts, unique names, rules of commissioners, and when each slot was first seen."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0015"
down_revision: Final = "0012"


def upgrade() -> None:
    """Add tables, columns and the series of service numbers. Slots that are known are not new."""
    _add_names()
    op.create_table(
        "service_drafts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organisation", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_drafts")),
    )
    op.create_index("ix_service_drafts_organisation", "service_drafts", ["organisation", "id"])
    op.create_index("ix_service_drafts_name_key", "service_drafts", ["name_key"])
    op.create_table(
        "commissioning_rules",
        sa.Column("id", sa.String(30), nullable=False),
        sa.Column("service", sa.BigInteger(), nullable=False),
        sa.Column("commissioner", sa.String(12), nullable=False),
        sa.Column("starts", sa.String(10), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commissioning_rules")),
    )
    for column in ("service", "commissioner"):
        op.create_index(op.f(f"ix_commissioning_rules_{column}"), "commissioning_rules", [column])
    op.add_column("slots", sa.Column("first_seen", sa.BigInteger(), nullable=False, server_default="0"))
    op.drop_index("ix_slots_free", "slots")
    columns = ["service", "state", "start_at", "id", "priorities", "clinician", "first_seen"]
    op.create_index("ix_slots_free", "slots", columns)
    op.execute("INSERT INTO counters (name, value) VALUES ('service', 8000000)")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE service_numbers START 8000001")


def _add_names() -> None:
    """Add to each service its name without capital letters."""
    op.add_column("services", sa.Column("name_key", sa.Text(), nullable=False, server_default=sa.text("''")))
    if op.get_context().dialect.name == "postgresql":
        name = "convert_from(body, 'UTF8')::json #>> '{name}'"
    else:
        name = "json_extract(CAST(body AS TEXT), '$.name')"
    op.execute(f"UPDATE services SET name_key = COALESCE(lower({name}), '')")  # noqa: S608 - the name is a constant
    op.create_index("ix_services_name_key", "services", ["name_key"])


def downgrade() -> None:
    """Refuse: drafts and rules would be lost."""
    raise NotImplementedError("restore a backup instead")
