"""The index of the audit by patient: it finds what was sealed, and a migration builds the same one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from openers.domain.audit import AuditEntry, AuditPlace
from openers.domain.identifiers import NhsNumber
from openers.store.opening import migrate, open_store
from openers.usecases.ports.transaction import Store
from tests.kit.store.outside import execute, fetch
from tests.kit.store.records import KEY

pytestmark = pytest.mark.anyio

FIRST, SECOND = NhsNumber("9990000018"), NhsNumber("9990000026")
NOON: Final = datetime(2031, 3, 30, 12, tzinfo=UTC)
LATER: Final = AuditPlace(NOON + timedelta(days=1))
INDEX: Final = "SELECT patient, at, writer, seq, start, size FROM audit_patients ORDER BY patient, at, seq, start"


def _entry(number: int, patient: NhsNumber | None, at: datetime = NOON) -> AuditEntry:
    return AuditEntry("GET", "API Test", at, file_name='Ærø \\ "x"\n.pdf', request_id=str(number), nhs_number=patient)


async def _found(store: Store, patient: NhsNumber, before: AuditPlace = LATER, most: int = 100) -> list[str]:
    await store.upkeep()
    async with store.read() as tx:
        return [entry.request_id for _, entry in await tx.audit.of_patient(patient, NOON, before, most)]


async def test_the_entries_of_a_patient_are_found(store: Store) -> None:
    """The newest first, at the same instant too; one entry may concern several patients, and each once."""
    several = _entry(4, FIRST, NOON + timedelta(microseconds=1))
    several.showed([SECOND, FIRST, SECOND])
    made = [_entry(1, FIRST), _entry(2, None), _entry(3, SECOND), several, _entry(5, FIRST, NOON - timedelta(days=1))]
    await asyncio.gather(*(store.record_audit(each) for each in made))
    assert await _found(store, FIRST) == ["4", "1"], "an entry before `since` is left out"
    assert await _found(store, SECOND) == ["4", "3"]
    async with store.read() as tx:
        ((place, entry),) = await tx.audit.of_patient(FIRST, NOON, LATER, 1)
    assert entry.file_name == made[0].file_name
    assert await _found(store, FIRST, place) == ["1"]


async def test_a_migration_builds_the_index_of_earlier_entries(empty_url: str) -> None:
    """After the migration of a store with sealed entries, the index is the one that the store would have written."""
    await migrate(empty_url)
    store = await open_store(empty_url, KEY)
    instants = (NOON, NOON + timedelta(milliseconds=120), NOON + timedelta(microseconds=999_999))
    made = [_entry(number, (FIRST, None, SECOND)[number % 3], at) for number, at in enumerate(instants * 50)]
    made[1].showed([SECOND, FIRST])
    for start in range(0, len(made), 7):
        await asyncio.gather(*(store.record_audit(each) for each in made[start : start + 7]))
        await store.upkeep()
    await store.close()
    written = await fetch(empty_url, INDEX)
    assert len([row for row in written if row[0]]) == 102
    await execute(empty_url, "DROP TABLE audit_patients")
    await execute(empty_url, "UPDATE alembic_version SET version_num = '0018'")
    assert await migrate(empty_url)
    store = await open_store(empty_url, KEY)
    await store.upkeep()
    await store.close()
    assert await fetch(empty_url, INDEX) == written


async def test_a_missing_block_does_not_hold_the_store_up(tmp_path: Path) -> None:
    """The chain is damaged, which is for `openers audit verify` to report."""
    url = f"sqlite:///{tmp_path / 'openers.db'}"
    await migrate(url)
    store = await open_store(url, KEY)
    for number in range(3):
        await store.record_audit(_entry(number, FIRST))
    await store.close()
    await execute(url, "DELETE FROM audit_blocks WHERE seq = (SELECT max(seq) FROM audit_blocks)")
    store = await open_store(url, KEY)
    assert await _found(store, FIRST) == ["1", "0"]
    await store.close()
