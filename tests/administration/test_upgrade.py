"""A store of an earlier release migrates with every record the same, on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.engine import Dialect

from openers.store import opening, postgres
from openers.store.migrations import migration_sql
from openers.store.opening import migrate
from tests.kit.store.outside import execute, fetch

pytestmark = pytest.mark.anyio

BEFORE = "0014"
"""The revision before versions."""
SESSION: dict[str, Any] = {"id": "s1", "user": "555000000001"}
GRANT: dict[str, Any] = {"client_id": "app", "session": SESSION}
BODIES: dict[str, tuple[dict[str, str | int], dict[str, Any]]] = {
    "organisations": ({"ods": "RCD"}, {"ods": "RCD", "name": "Ærø & Co"}),
    "sites": ({"ods": "RCD01", "organisation": "RCD"}, {"ods": "RCD01"}),
    "users": ({"id": "555000000001"}, {"id": "555000000001", "roles": []}),
    "applications": ({"client_id": "app"}, {"client_id": "app"}),
    "patients": ({"nhs_number": "9995550018", "sensitive": 0}, {"nhs_number": "9995550018"}),
    "pas_links": ({"service": 11001}, {"service": "11001"}),
    "webhooks": ({"id": "w1"}, {"id": "w1", "sent": 7}),
    "services": ({"id": 11001, "version": 4, "status": "PUBLISHED"}, {"id": "11001", "organisation": "RCD"}),
}
CREDENTIALS: dict[str, tuple[dict[str, Any] | None, tuple[str, str]]] = {
    "access_token": (GRANT, ("555000000001", "app")),
    "refresh_token": ({"client_id": "own", "session": None}, ("", "own")),
    "authorisation_code": ({"request": {"client_id": "app"}, "session": SESSION}, ("555000000001", "app")),
    "session": (SESSION, ("555000000001", "")),
    "assertion_id": (None, ("", "")),
}


async def test_every_record_is_the_same_after_the_migration(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies and keys stay; each record gets version 1, but a service keeps its own; credentials get their holders."""
    for adapter in (opening, postgres):
        monkeypatch.setattr(adapter, "migration_sql", _sql_before)
    await migrate(empty_url)
    monkeypatch.undo()
    for table, (columns, body) in BODIES.items():
        await _insert(empty_url, table, columns, body)
    for kind, (body, _) in CREDENTIALS.items():
        await _insert(empty_url, "credentials", {"kind": kind, "key": kind, "session": "s1", "expires": 1}, body)
    assert await migrate(empty_url)
    for table, (columns, body) in BODIES.items():
        names = [*columns, "body", *(["version"] if "version" not in columns else [])]
        (row,) = await fetch(empty_url, f"SELECT {', '.join(names)} FROM {table}")
        kept = dict(zip(names, row, strict=True))
        assert json.loads(bytes(kept.pop("body"))) == body
        assert kept == {"version": 1, **columns}
    assert await fetch(empty_url, "SELECT organisation, changed FROM services") == [("RCD", 0)]
    found = await fetch(empty_url, "SELECT kind, person, application FROM credentials")
    assert {kind: (person, application) for kind, person, application in found} == {
        kind: holder for kind, (_, holder) in CREDENTIALS.items()
    }


def _sql_before(dialect: Dialect, current: str | None, _to: str = BEFORE) -> str:
    """Return the statements that lead to the earlier revision."""
    return migration_sql(dialect, current, BEFORE)


async def _insert(url: str, table: str, columns: dict[str, str | int], body: dict[str, Any] | None) -> None:
    names = ", ".join((*columns, "body"))
    marks = ", ".join("?" for _ in range(len(columns) + 1))
    values = (*columns.values(), json.dumps(body).encode())
    await execute(url, f"INSERT INTO {table} ({names}) VALUES ({marks})", *values)
