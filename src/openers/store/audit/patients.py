"""The index of the audit by patient: it finds the sealed entries of a patient.

Without it, the question who has seen a patient would read the whole audit. It holds places only: each entry is read
from its block. On PostgreSQL it is written with each block. On SQLite, where calls wait for the seal of a block, it is
filled behind them: one row without a patient marks the last block in it. Source: ADR 0087.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Integer, String, and_, bindparam, delete, func, insert, select, tuple_

from openers.domain.audit import AuditEntry, AuditPlace
from openers.domain.clock import EPOCH, Instant
from openers.domain.identifiers import NhsNumber
from openers.store.audit.chain import MAC_CHARACTERS, Block, lines_of
from openers.store.engine.statements import Connection, Statement, Value, decoder, instant, micros
from openers.store.engine.tables import audit_blocks, audit_patients

_AFTER_MAC: Final = MAC_CHARACTERS + 1
_index, _blocks = audit_patients.c, audit_blocks.c
_PLACE: Final = (_index.at, _index.writer, _index.seq, _index.start)

ADD_CONCERNED: Final = Statement(insert(audit_patients))
_OF_PATIENT: Final = Statement(
    select(*_PLACE, func.substr(_blocks.entries, _index.start, _index.size))
    .join_from(audit_patients, audit_blocks, and_(_blocks.writer == _index.writer, _blocks.seq == _index.seq))
    .where(
        _index.patient == bindparam("patient"),
        _index.at >= bindparam("since"),
        _index.at <= bindparam("at", type_=BigInteger()),
        tuple_(*_PLACE)
        < tuple_(
            bindparam("at", type_=BigInteger()),
            bindparam("writer", type_=String()),
            bindparam("seq", type_=BigInteger()),
            bindparam("start", type_=Integer()),
        ),
    )
    .order_by(*(each.desc() for each in _PLACE))
    .limit(bindparam("most"))
)
_NO_PATIENT: Final = ""
BLOCKS_AT_ONCE: Final = 16
"""Blocks that are added without a pause in which calls run."""
_MARK: Final = Statement(select(_index.seq).where(_index.patient == bindparam("patient")))
_UNMARK: Final = Statement(delete(audit_patients).where(_index.patient == bindparam("patient")))
_FOLLOWING: Final = Statement(
    select(_blocks.writer, _blocks.seq, _blocks.entries, _blocks.mac)
    .where(_blocks.writer == bindparam("writer"), _blocks.seq > bindparam("seq"))
    .order_by(_blocks.seq)
    .limit(bindparam("most"))
)


class _Concerned(msgspec.Struct):
    """What the index needs of an entry."""

    at: datetime
    nhs_number: str = ""
    patients: tuple[str, ...] = ()


_NOBODY: Final = _Concerned(EPOCH)
_read_concerned: Final = msgspec.json.Decoder(_Concerned).decode
_read_entry: Final = decoder(AuditEntry).decode


def concerned(block: Block) -> list[dict[str, Value]]:
    """Return the rows of the index for a block: one for each patient of each entry.

    An unreadable entry gets no row: sealing must not depend on the content of entries.
    """
    rows: list[dict[str, Value]] = []
    start = 1
    for line in lines_of(block.entries):
        entry = line[_AFTER_MAC:]
        try:
            found = _read_concerned(entry)
        except msgspec.MsgspecError:
            found = _NOBODY
        for patient in dict.fromkeys((found.nhs_number, *found.patients)):
            if patient:
                place = {"writer": block.writer, "seq": block.seq, "start": start + _AFTER_MAC, "size": len(entry)}
                rows.append({"patient": patient, "at": micros(found.at), **place})
        start += len(line) + 1
    return rows


class SqlAuditTrail:
    """The `AuditTrail` port over one connection; on SQLite it also fills the index."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store the connection."""
        self._connection = connection

    async def indexed(self) -> int:
        """Return the number of the last block that `fill` has added; 0 if there is none."""
        row = await self._connection.row(_MARK, {"patient": _NO_PATIENT})
        return 0 if row is None else int(row[0])

    async def fill(self, writer: str) -> bool:
        """Add the next blocks of a writer to the index, and mark the last of them; return whether there were any."""
        after: dict[str, Value] = {"writer": writer, "seq": await self.indexed(), "most": BLOCKS_AT_ONCE}
        blocks = [Block(*row) for row in await self._connection.rows(_FOLLOWING, after)]
        if not blocks:
            return False
        mark = {"patient": _NO_PATIENT, "at": 0, "writer": writer, "seq": blocks[-1].seq, "start": 0, "size": 0}
        await self._connection.run(_UNMARK, {"patient": _NO_PATIENT})
        await self._connection.run_many(ADD_CONCERNED, [*(row for block in blocks for row in concerned(block)), mark])
        return True

    async def of_patient(
        self, patient: NhsNumber, since: Instant, before: AuditPlace, most: int
    ) -> Sequence[tuple[AuditPlace, AuditEntry]]:
        """Return the last `most` sealed entries of a patient before a place, the newest first."""
        asked: dict[str, Value] = {
            "patient": patient,
            "since": micros(since),
            "at": micros(before.at),
            "writer": before.writer,
            "seq": before.block,
            "start": before.start,
            "most": most,
        }
        rows = await self._connection.rows(_OF_PATIENT, asked)
        return [(AuditPlace(instant(at), *place), _read_entry(entry)) for at, *place, entry in rows]
