"""Search of active people for pages of test mode, which list them: by number, name, or an organisation of theirs."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    String,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy import cast as as_type
from sqlalchemy.dialects.postgresql import JSONB

from openers.store.engine.statements import Statement
from openers.store.engine.tables import organisations, user_roles, users


def _member(table: Table, name: str, *, postgres: bool) -> ColumnElement[str]:
    """Return a member of a table's body as text."""
    if postgres:  # literals, since a bound constant has the same value in both statements
        body = as_type(func.convert_from(table.c.body, literal_column("'UTF8'")), JSONB)
        return body.op("->>", return_type=String())(literal_column(f"'{name}'"))
    return func.json_extract(as_type(table.c.body, Text), literal_column(f"'$.{name}'"), type_=String)


def _query(*, postgres: bool = False) -> ClauseElement:
    pattern = bindparam("pattern", type_=String)
    place = func.lower(_member(organisations, "name", postgres=postgres)).like(pattern, escape="\\")
    there = (
        select(user_roles.c.user)
        .join_from(user_roles, organisations, organisations.c.ods == user_roles.c.organisation)
        .where(or_(func.lower(organisations.c.ods).like(pattern, escape="\\"), place))
    )
    named = func.lower(_member(users, "name", postgres=postgres)).like(pattern, escape="\\")
    active = _member(users, "active", postgres=postgres) == literal_column("'true'" if postgres else "1")
    return (
        select(users.c.body)
        .where(active, or_(users.c.id.like(pattern, escape="\\"), named, users.c.id.in_(there)))
        .order_by(users.c.id)
        .limit(bindparam("most"))
    )


FIND_PEOPLE: Final = Statement(_query(), _query(postgres=True))


def pattern_of(text: str) -> str:
    """Return the pattern for records that contain a text, without regard to case."""
    escaped = text.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
