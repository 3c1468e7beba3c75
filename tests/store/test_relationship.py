"""`Principal.may_see` and the SQL condition agree for any caller and record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import product

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from openers.domain.identifiers import OdsCode
from openers.domain.principal import BusinessFunction, Principal
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.engine.statements import Statement, Value
from openers.store.engine.tables import referrals
from openers.store.opening import migrate
from openers.store.records.relationship import Kinship, condition, kinship_of, values_of
from tests.kit.store.outside import execute, fetch
from tests.kit.store.records import caller

ORGANISATIONS = ("RCD", "RC", "RCD0", "D82106", "ZZ", "00")
WORKGROUPS = (
    None, "", "RCD", "RCD/", "RCD/Cardiology", "RCD/cardiology", "rcd/Cardiology", "RCD/Größe", "RCD/~", "RCD/\u9999",
    "RCD0", "RCD0/x", "RCD.", "RC/a", "RC%/a", "R_D/a", "RCD/'\"\\%", "RCD/[\"a\"]", "D82106/a", "ZZ/z", "ZZ/", "00/0",
)  # fmt: skip
RECORDS = list(product(ORGANISATIONS, WORKGROUPS))
STATEMENTS = {
    kinship: Statement(
        select(referrals.c.ubrn).where(condition(kinship, referrals.c.owner, referrals.c.workgroup)),
        select(referrals.c.ubrn).where(condition(kinship, referrals.c.owner, referrals.c.workgroup, postgres=True)),
    )
    for kinship in Kinship
}
Listed = Callable[[Principal], set[int]]


async def fill(url: str) -> None:
    """Create a database with one record of each kind, numbered as in `RECORDS`."""
    await migrate(url)
    for number, (owner, workgroup) in enumerate(RECORDS):
        await execute(
            url,
            "INSERT INTO referrals (ubrn, request_id, version, owner, workgroup, patient, body)"
            " VALUES (?, ?, 1, ?, ?, '', ?)",
            f"{number}", f"{number}", owner, workgroup, b"",
        )  # fmt: skip


def statement_of(by: Principal, *, sqlite: bool) -> tuple[str, list[Value]]:
    """Return the SQL statement for a caller, with its parameters."""
    statement, values = STATEMENTS[kinship_of(by)], values_of(by)
    known: Mapping[str, Value] = {**statement.constants, **values}
    text, names = (
        (statement.sqlite, statement.sqlite_names) if sqlite else (statement.postgres, statement.postgres_names)
    )
    return text, [known[name] for name in names]


@pytest.fixture
def listed(empty_url: str) -> Listed:
    """Return a function that lists the records a caller may see, by SQL."""
    asyncio.run(fill(empty_url))
    sqlite = sqlite_path(empty_url) is not None
    runner = asyncio.Runner()
    connection = None if sqlite else runner.run(asyncpg.connect(empty_url))

    def by_sql(by: Principal) -> set[int]:
        text, values = statement_of(by, sqlite=sqlite)
        if connection is not None:
            return {int(row[0]) for row in runner.run(connection.fetch(text, *values))}
        return {int(row[0]) for row in runner.run(fetch(empty_url, text, *values))}

    return by_sql


ANY_WORKGROUP = st.sampled_from([each for each in WORKGROUPS if each is not None]) | st.text(max_size=5).filter(
    str.isprintable
)


@st.composite
def principals(draw: st.DrawFn) -> Principal:
    """Draw a caller in any role, with known and unknown workgroups."""
    function = draw(st.sampled_from(BusinessFunction))
    return caller(function, draw(st.sampled_from(ORGANISATIONS)), *draw(st.sets(ANY_WORKGROUP, max_size=6)))


@given(by=principals())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_twins_agree(listed: Listed, by: Principal) -> None:
    """For every record, SQL and the function agree."""
    seen = {number for number, (owner, group) in enumerate(RECORDS) if by.may_see(OdsCode(owner), group)}
    assert listed(by) == seen


def test_every_function_sees_something_or_nothing_as_it_should(listed: Listed) -> None:
    """The comparison above does not compare empty sets."""
    groups = ("RCD/Cardiology", "ZZ/z")
    counts = {each: len(listed(caller(each, "RCD", *groups))) for each in BusinessFunction}
    owners, holders = len(WORKGROUPS), len(ORGANISATIONS)
    assert counts[BusinessFunction.REFERRING_CLINICIAN] == owners
    assert counts[BusinessFunction.SERVICE_PROVIDER_CLINICIAN] == 2 * holders
    assert counts[BusinessFunction.PROVIDER_AUTHORISED_APPLICATION] == 8 * holders
    assert counts[BusinessFunction.COMMISSIONER] == 0
