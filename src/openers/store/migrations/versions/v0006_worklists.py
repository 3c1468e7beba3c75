"""Worklists: columns and indexes for listing referrals, sensitive patients, worklist calls of applications.

The lists of a referral depend on rules that SQL does not know. So a background job
(`openers.usecases.worklists.list_old_referrals`) lists existing rows.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"

COLUMNS: Final = (
    sa.Column("provider_list", sa.String(40)),
    sa.Column("referrer_list", sa.String(40)),
    sa.Column("letter_list", sa.String(40)),
    sa.Column("rank", sa.Integer()),
    sa.Column("since", sa.BigInteger()),
    sa.Column("service", sa.BigInteger()),
    sa.Column("specialty", sa.String(40)),
    sa.Column("site", sa.String(12)),
    sa.Column("clinician", sa.String(12)),
)
ORDER: Final = ("rank", "since", "ubrn")
WALKS: Final = {
    "provider": ("provider_list", "workgroup", *ORDER, "version", "patient"),
    "provider_service": ("provider_list", "service", *ORDER, "workgroup", "version", "patient"),
    "provider_specialty": ("provider_list", "workgroup", "specialty", *ORDER),
    "provider_site": ("provider_list", "workgroup", "site", *ORDER),
    "provider_clinician": ("provider_list", "workgroup", "clinician", *ORDER),
    "referrer": ("referrer_list", "owner", *ORDER, "version", "patient"),
    "letter": ("letter_list", "owner", *ORDER, "version", "patient"),
}


def upgrade() -> None:
    """Add the columns, indexes and table."""
    for column in COLUMNS:
        op.add_column("referrals", column)
    for name, columns in WALKS.items():
        there = sa.text(f"{columns[0]} IS NOT NULL")
        op.create_index(f"ix_referrals_{name}", "referrals", list(columns), sqlite_where=there, postgresql_where=there)
    op.execute(
        "INSERT INTO due (kind, key, due_at, attempt, claimed_until)"
        " SELECT 'list old referrals', '', 0, 0, 0 WHERE EXISTS (SELECT 1 FROM referrals)"
    )
    _mark_sensitive_patients()
    op.create_table(
        "worklist_calls",
        sa.Column("application", sa.String(100), nullable=False),
        sa.Column("service", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("application", "service", name=op.f("pk_worklist_calls")),
    )


def _mark_sensitive_patients() -> None:
    op.add_column("patients", sa.Column("sensitive", sa.Integer(), nullable=False, server_default="0"))
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "UPDATE patients SET sensitive = 1 WHERE (convert_from(body, 'UTF8')::json ->> 'sensitive') = 'true'"
        )
    else:
        op.execute("UPDATE patients SET sensitive = 1 WHERE json_extract(CAST(body AS TEXT), '$.sensitive') = 1")
    op.create_index("ix_patients_sensitive", "patients", ["nhs_number", "sensitive"])


def downgrade() -> None:
    """Refuse: the counted calls would be lost."""
    raise NotImplementedError("restore a backup instead")
