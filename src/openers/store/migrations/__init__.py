"""Migrate an earlier schema to the present one on both databases, with SQL rendered by Alembic.

Alembic renders the statements (its offline mode), and each adapter runs them in one transaction with its own driver. So
no second driver or connection is needed. Alembic is imported only if there is something to migrate.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Dialect

HEAD: Final = "0019"
"""The newest revision. A test compares it with the scripts."""
REVISION: Final = "SELECT version_num FROM alembic_version"
"""Query for the revision of a database."""


def migration_sql(dialect: Dialect, current: str | None, to: str = HEAD) -> str:
    """Return the statements from revision `current` (`None`: an empty database) to another one."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it logs each step; the caller logs one line for all
    from alembic.migration import MigrationContext, MigrationStep
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(__file__).parent))
    text = io.StringIO()

    def _steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[MigrationStep]:
        return list(script._upgrade_revs(to, revision or None))  # pyright: ignore  # as alembic.command.upgrade does

    options = {"as_sql": True, "output_buffer": text, "starting_rev": current, "fn": _steps}
    context = MigrationContext.configure(dialect=dialect, opts=options)
    with Operations.context(context):
        context.run_migrations()
    return text.getvalue()
