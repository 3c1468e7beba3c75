"""An index finds the audit entries of a patient; entries that were sealed before are added to it.

On SQLite the store adds them when it runs, as it adds all later ones.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0019"
down_revision: Final = "0018"

_ON_POSTGRESQL: Final = """
INSERT INTO audit_patients (patient, at, writer, seq, start, size)
WITH lines AS (
    SELECT writer, seq, line, octet_length(line) AS length,
        sum(octet_length(line) + 1) OVER (PARTITION BY writer, seq ORDER BY number) - octet_length(line) AS start
    FROM audit_blocks,
        regexp_split_to_table(convert_from(entries, 'UTF8'), chr(10)) WITH ORDINALITY AS split (line, number)
), read AS (
    SELECT writer, seq, start + 17 AS start, length - 17 AS size,
        substring(line from '"nhs_number":"([0-9]{10})"') AS one,
        substring(line from '"patients":\\[([^]]*)\\]') AS several,
        substring(line from '"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)"') AS at
    FROM lines
)
SELECT DISTINCT patient, (extract(epoch FROM at::timestamptz) * 1000000)::bigint, writer, seq, start, size
FROM read CROSS JOIN LATERAL (
    SELECT one AS patient UNION SELECT number[1] FROM regexp_matches(several, '[0-9]{10}', 'g') AS found (number)
) AS concerned
WHERE patient IS NOT NULL AND at IS NOT NULL
"""


def upgrade() -> None:
    """Create the index; on PostgreSQL, fill it from the blocks."""
    op.create_table(
        "audit_patients",
        sa.Column("patient", sa.String(10), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("writer", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("patient", "at", "writer", "seq", "start", name=op.f("pk_audit_patients")),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(_ON_POSTGRESQL)


def downgrade() -> None:
    """Remove the index: the audit itself stays as it was sealed."""
    op.drop_table("audit_patients")
