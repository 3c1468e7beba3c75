"""Migrations create exactly the tables that the statements expect, once, in any number of processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.sqltypes import String

from openers.domain.errors import Unavailable
from openers.store import migrations
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.engine.tables import metadata
from openers.store.migrations import HEAD
from openers.store.opening import migrate
from tests.kit.store.outside import fetch

MIGRATE = "import asyncio, sys; from openers.store.opening import migrate; print(asyncio.run(migrate(sys.argv[1])))"
COLUMNS = """
    SELECT table_name, column_name, data_type, character_maximum_length, is_nullable
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
CONSTRAINTS = """
    SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u') AND relname <> 'alembic_version'
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


def test_the_head_is_the_newest_script() -> None:
    """The newest script is the only head of the revisions."""
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [HEAD]


def test_the_migrated_sqlite_schema_is_that_of_the_tables(tmp_path: Path) -> None:
    """The SQLite schema has the same tables, columns, types, nullability, indexes, unique constraints and names."""
    url = f"sqlite:///{tmp_path / 'openers.db'}"
    asyncio.run(migrate(url))
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        kept = inspect(connection)
        for table in metadata.sorted_tables:
            assert kept.get_pk_constraint(table.name)["constrained_columns"] == [
                each.name for each in table.primary_key
            ]
    engine.dispose()


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
def test_the_migrated_postgresql_schema_is_that_of_the_tables(empty_url: str) -> None:
    """The PostgreSQL catalogue has the same columns with types and lengths, and the same keys and indexes by name."""
    asyncio.run(migrate(empty_url))
    dialect = postgresql.dialect()
    expected = {
        (
            table.name,
            column.name,
            column.type.compile(dialect).partition("(")[0].lower().replace("varchar", "character varying"),
            column.type.length if isinstance(column.type, String) else None,
            "YES" if column.nullable else "NO",
        )
        for table in metadata.sorted_tables
        for column in table.columns
    }
    assert set(asyncio.run(fetch(empty_url, COLUMNS))) == expected
    constraints = {str(each.name) for table in metadata.sorted_tables for each in table.constraints if each.name}
    assert {row[0] for row in asyncio.run(fetch(empty_url, CONSTRAINTS))} == constraints
    indexes = {
        str(index.name): ([column.name for column in index.columns], index.dialect_kwargs["postgresql_where"])
        for table in metadata.sorted_tables
        for index in table.indexes
    }
    kept = {name: text for name, text in asyncio.run(fetch(empty_url, INDEXES)) if name not in constraints}
    assert kept.keys() == indexes.keys()
    for name, (columns, there) in indexes.items():
        part = "" if there is None else f" WHERE ({there})"
        assert kept[name].replace('"', "").endswith(f"({', '.join(columns)}){part}")


def test_migrating_again_does_nothing(empty_url: str) -> None:
    """The first migration reports a change, the second reports none."""
    assert [asyncio.run(migrate(empty_url)) for _ in range(2)] == [True, False]


def test_processes_that_migrate_at_once_don_t_meet(empty_url: str) -> None:
    """Of concurrent processes, one migrates; the others wait and have nothing to do."""
    command = [sys.executable, "-c", MIGRATE, empty_url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    ended = [process.communicate() for process in running]
    assert sorted(out for out, _ in ended) == [b"False\n", b"False\n", b"True\n"], ended
    assert asyncio.run(fetch(empty_url, "SELECT version_num FROM alembic_version")) == [(HEAD,)]
    assert sorted(asyncio.run(fetch(empty_url, "SELECT name, value FROM counters"))) == [
        ("appointment", 0),
        ("attachment", 0),
        ("communication", 0),
        ("directory_version", 0),
        ("service", 8_000_000),
        ("slot", 0),
        ("ubrn", 0),
    ]


def test_a_database_that_can_t_be_reached_is_unavailable(tmp_path: Path) -> None:
    """A missing server, a folder that cannot be created and a file that is not a database are unavailable."""
    (tmp_path / "text").write_text("This is a text of some length. " * 100)
    for url in ("postgresql://nobody@127.0.0.1:1/none", "sqlite:////proc/none/a.db", f"sqlite:///{tmp_path / 'text'}"):
        with pytest.raises(Unavailable):
            asyncio.run(migrate(url))


def test_paths_are_taken_as_they_are_written() -> None:
    """A character with a meaning in URLs has none in a file name."""
    assert sqlite_path("sqlite:////tmp/a#b%20c.db") == Path("/tmp/a#b%20c.db")
    assert sqlite_path("sqlite:///var/openers.db") == Path("var/openers.db")
    assert sqlite_path("postgresql://host/db") is None
