"""An index finds the audit entries of a patient; entries that were sealed before are added to it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0019"
down_revision: Final = "0018"

_ON_SQLITE: Final = """
INSERT INTO audit_patients (patient, at, writer, seq, start, size)
WITH RECURSIVE lines (writer, seq, entries, start, size) AS (
    SELECT writer, seq, entries, 1, instr(entries, x'0a') - 1 FROM audit_blocks
    UNION ALL
    SELECT writer, seq, entries, start + size + 1, instr(substr(entries, start + size + 1), x'0a') - 1
    FROM lines WHERE size >= 0 AND start + size + 1 <= length(entries)
), found AS (
    SELECT writer, seq, start + 17 AS start, size - 17 AS size,
        CAST(substr(entries, start + 17, size - 17) AS TEXT) AS entry
    FROM lines WHERE size > 17
), read AS (
    SELECT writer, seq, start, size, json_extract(entry, '$.nhs_number') AS patient, json_extract(entry, '$.at') AS at
    FROM found WHERE json_valid(entry)
)
SELECT DISTINCT patient, CAST(strftime('%s', substr(at, 1, 19)) AS INTEGER) * 1000000
    + CASE instr(at, '.') WHEN 0 THEN 0
      ELSE CAST(substr(rtrim(substr(at, instr(at, '.') + 1), 'Z') || '000000', 1, 6) AS INTEGER) END,
    writer, seq, start, size
FROM read WHERE length(patient) = 10
"""
_MARK: Final = """
INSERT INTO audit_patients (patient, at, writer, seq, start, size)
SELECT '', 0, writer, max(seq), 0, 0 FROM audit_blocks GROUP BY writer
"""
"""The last block in the index, on SQLite."""
_ON_POSTGRESQL: Final = """
INSERT INTO audit_patients (patient, at, writer, seq, start, size)
WITH lines AS (
    SELECT writer, seq, line, octet_length(line) AS length,
        sum(octet_length(line) + 1) OVER (PARTITION BY writer, seq ORDER BY number) - octet_length(line) AS start
    FROM audit_blocks,
        regexp_split_to_table(convert_from(entries, 'UTF8'), chr(10)) WITH ORDINALITY AS split (line, number)
), read AS (
    SELECT writer, seq, start + 17 AS start, length - 17 AS size,
        substring(line from '"nhs_number":"([0-9]{10})"') AS patient,
        substring(line from '"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)"') AS at
    FROM lines
)
SELECT DISTINCT patient, (extract(epoch FROM at::timestamptz) * 1000000)::bigint, writer, seq, start, size
FROM read WHERE patient IS NOT NULL AND at IS NOT NULL
"""


def upgrade() -> None:
    """Create the index and fill it from the blocks."""
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
    on_postgresql = op.get_context().dialect.name == "postgresql"
    for statement in (_ON_POSTGRESQL,) if on_postgresql else (_ON_SQLITE, _MARK):
        op.execute(statement)


def downgrade() -> None:
    """Remove the index: the audit itself stays as it was sealed."""
    op.drop_table("audit_patients")
