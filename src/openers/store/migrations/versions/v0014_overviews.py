"""Overviews: a patient's requests, a record's events, and patients by date of birth."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final = "0007"


def upgrade() -> None:
    """Add the columns, fill them from the stored bodies, and build the indexes."""
    op.add_column("events", sa.Column("key", sa.String(40)))
    op.add_column("patients", sa.Column("born", sa.String(10)))
    _fill("events", "key")
    _fill("patients", "born")
    op.create_index("ix_events_key", "events", ["key", "number"])
    op.create_index("ix_patients_born", "patients", ["born"])
    op.create_index("ix_referrals_patient", "referrals", ["patient"])
    op.create_index("ix_conversations_patient", "conversations", ["patient"])


def _fill(table: str, name: str) -> None:
    """Set the column `name` to the value of that name in the stored JSON."""
    if op.get_context().dialect.name == "postgresql":
        found = f"convert_from(body, 'UTF8')::json ->> '{name}'"
    else:
        found = f"json_extract(CAST(body AS TEXT), '$.{name}')"
    op.execute(sa.update(sa.table(table, sa.column(name))).values({name: sa.literal_column(found)}))


def downgrade() -> None:
    """Remove the indexes and the columns: nothing is lost."""
    op.drop_index("ix_conversations_patient", "conversations")
    op.drop_index("ix_referrals_patient", "referrals")
    op.drop_index("ix_patients_born", "patients")
    op.drop_index("ix_events_key", "events")
    op.drop_column("patients", "born")
    op.drop_column("events", "key")
