"""The tables of the portal, and the steps that bring an older store up to date.

Records are JSON in `body`; other columns are what the portal searches by. A step never changes after a release.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
    text,
    update,
)

TABLES: Final = MetaData()
ID: Final = 40
NAME: Final = 100

SCHEMA: Final = Table("portal_schema", TABLES, Column("version", Integer, nullable=False))
ITEMS: Final = Table(
    "portal_items",
    TABLES,
    Column("id", String(ID), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(ID), index=True, nullable=False),
    Column("state", String(ID), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(2 * NAME), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
STAFF: Final = Table(
    "portal_staff",
    TABLES,
    Column("subject", String(NAME), primary_key=True),
    Column("role", String(ID), primary_key=True),
)

PARTNERS: Final = Table(
    "portal_partners",
    TABLES,
    Column("id", String(ID), primary_key=True),
    Column("code", String(ID), unique=True, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
MEMBERS: Final = Table(
    "portal_members",
    TABLES,
    Column("partner", String(ID), primary_key=True),
    Column("subject", String(NAME), primary_key=True, index=True),
    Column("name", String(2 * NAME), nullable=False),
    Column("role", String(ID), nullable=False),
)
PRODUCTS: Final = Table(
    "portal_products",
    TABLES,
    Column("id", String(ID), primary_key=True),
    Column("partner", String(ID), index=True, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
EVENTS: Final = Table(
    "portal_events",
    TABLES,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("product", String(ID), index=True, nullable=False),
    Column("kind", String(ID), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(2 * NAME), nullable=False),
    Column("evidence", String(1000), nullable=False),
    Column("once", String(2 * NAME), nullable=False),
)

ENDPOINTS: Final = Table(
    "portal_endpoints",
    TABLES,
    Column("asid", String(ID), primary_key=True),
    Column("host", String(2 * NAME), unique=True, nullable=False),
    Column("partner", String(ID), index=True, nullable=False),
    Column("product", String(ID), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
CASES: Final = Table(
    "portal_cases",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("partner", String(ID), index=True, nullable=False),
    Column("state", String(ID), index=True, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
ENTRIES: Final = Table(
    "portal_entries",
    TABLES,
    Column("case", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

MAILS: Final = Table(
    "portal_mails",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("once", String(2 * NAME), unique=True, nullable=False),
    Column("to", String(3 * NAME), nullable=False),
    Column("source", String(ID), index=True, nullable=False),
    Column("state", String(ID), index=True, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
INTERESTS: Final = Table(
    "portal_interests",
    TABLES,
    Column("id", String(ID), primary_key=True),
    Column("email", String(3 * NAME), unique=True, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("confirmed", Integer, index=True, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

STATEMENTS: Final = Table(
    "portal_statements",
    TABLES,
    Column("product", String(ID), primary_key=True),
    Column("requirement", String(ID), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

CARDS: Final = Table(
    "portal_cards",
    TABLES,
    Column("id", String(NAME), primary_key=True),
    Column("partner", String(ID), index=True, nullable=False),
    Column("state", String(ID), index=True, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

PACKS: Final = Table(
    "portal_packs",
    TABLES,
    Column("id", String(ID), primary_key=True),
    Column("partner", String(ID), index=True, nullable=False),
    Column("claim", String(NAME), unique=True, nullable=False),
    Column("state", String(ID), index=True, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

QUESTIONS: Final = Table(
    "portal_questions",
    TABLES,
    Column("id", String(ID), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("case", BigInteger, index=True, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

SIGNATURES: Final = Table(
    "portal_signatures",
    TABLES,
    Column("partner", String(ID), primary_key=True),
    Column("document", String(ID), primary_key=True),
    Column("version", String(ID), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

ANSWERS: Final = Table(
    "portal_answers",
    TABLES,
    Column("product", String(ID), primary_key=True),
    Column("environment", String(NAME), primary_key=True),
    Column("form", String(ID), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

Step = Callable[[Connection], None]
_LOCK: Final = text("SELECT pg_advisory_xact_lock(8004)")


def _creates(*tables: Table) -> Step:
    return lambda db: TABLES.create_all(db, tables)


STEPS: Final[Sequence[Step]] = (
    _creates(ITEMS, STAFF, PARTNERS, MEMBERS, PRODUCTS, EVENTS, ENDPOINTS, CASES, ENTRIES),
    _creates(MAILS, INTERESTS),
    _creates(STATEMENTS),
    _creates(CARDS),
    _creates(PACKS),
    _creates(QUESTIONS),
    _creates(SIGNATURES),
    _creates(ANSWERS),
)
"""The steps from an empty store to the present schema."""


class NewerStore(Exception):
    """The store was migrated by a newer release of the portal."""


def migrate(db: Connection) -> None:
    """Bring the store up to the present schema, in one transaction. Raises NewerStore."""
    if db.dialect.name == "postgresql":
        db.execute(_LOCK)  # two processes that start together
    SCHEMA.create(db, checkfirst=True)
    version = db.execute(select(SCHEMA.c.version)).scalar()
    if version is None:
        version = 0
        db.execute(insert(SCHEMA).values(version=0))
    if version > len(STEPS):
        raise NewerStore(f"the store has schema {version}, and this release knows {len(STEPS)}: install the newer one")
    for step in STEPS[version:]:
        step(db)
    db.execute(update(SCHEMA).values(version=len(STEPS)))
