"""Administration: versions of every administered record, changes of services in order, holders of credentials."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0014"

VERSIONED: Final = ("organisations", "sites", "users", "applications", "patients", "pas_links", "webhooks")


def upgrade() -> None:
    """Add the columns and indexes; records keep their values and get version 1."""
    for table in VERSIONED:
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("services", sa.Column("organisation", sa.String(12), nullable=False, server_default=sa.text("''")))
    op.add_column("services", sa.Column("changed", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(f"UPDATE services SET organisation = {_field('organisation')}")  # noqa: S608 - the names are constants
    op.create_index("ix_services_organisation", "services", ["organisation", "id"])
    op.create_index("ix_services_changed", "services", ["changed"])
    _name_holders()


def _name_holders() -> None:
    """Add to each credential the person and the application whose end ends it."""
    op.add_column("credentials", sa.Column("person", sa.String(12), nullable=False, server_default=sa.text("''")))
    op.add_column("credentials", sa.Column("application", sa.String(100), nullable=False, server_default=sa.text("''")))
    person = f"COALESCE({_field('session', 'user')}, {_field('user')}, '')"
    application = f"COALESCE({_field('client_id')}, {_field('request', 'client_id')}, '')"
    held = "('access_token', 'refresh_token', 'authorisation_code', 'session')"
    op.execute(
        f"UPDATE credentials SET person = {person}, application = {application} WHERE kind IN {held}"  # noqa: S608 - as above
    )
    op.create_index("ix_credentials_person", "credentials", ["person"])
    op.create_index("ix_credentials_application", "credentials", ["application"])


def _field(*path: str) -> str:
    """Return the SQL of a text in `body`, which is JSON."""
    if op.get_context().dialect.name == "postgresql":
        return f"convert_from(body, 'UTF8')::json #>> '{{{','.join(path)}}}'"
    return f"json_extract(CAST(body AS TEXT), '$.{'.'.join(path)}')"


def downgrade() -> None:
    """Refuse: versions would be lost."""
    raise NotImplementedError("restore a backup instead")
