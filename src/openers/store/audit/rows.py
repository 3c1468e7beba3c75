"""Audit blocks and heads in SQL, for both adapters and for verification. The chain itself is in `chain`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import exists, func, insert, or_, select

from openers.domain.audit import AuditEntry
from openers.domain.errors import Unavailable
from openers.store.audit.chain import Block, Head, head_mac
from openers.store.engine.statements import Row, Statement, Value, encode, upsert
from openers.store.engine.tables import audit_blocks, audit_heads, audit_pending, metadata

ADD_BLOCK: Final = Statement(insert(audit_blocks))
PUT_HEAD: Final = upsert(audit_heads)
HEADS: Final = Statement(select(audit_heads.c.writer, audit_heads.c.seq, audit_heads.c.mac, audit_heads.c.head_mac))
BLOCKS: Final = Statement(
    select(audit_blocks.c.writer, audit_blocks.c.seq, audit_blocks.c.entries, audit_blocks.c.mac).order_by(
        audit_blocks.c.writer, audit_blocks.c.seq
    )
)
HAS_BLOCKS: Final = Statement(select(exists().select_from(audit_blocks)))
WAITING: Final = Statement(select(func.count()).select_from(audit_pending))
_UNAUDITED: Final = (
    *("audit_blocks", "audit_heads", "audit_patients", "audit_pending"),
    *("counters", "exchange_batches", "exchange_log"),
)
"""Tables that do not show whether a store was used."""
USED: Final = Statement(
    select(or_(*(exists().select_from(table) for table in metadata.sorted_tables if table.name not in _UNAUDITED)))
)
"""Selects whether there is any record, since each was written with an audit entry."""


def line_of(entry: AuditEntry) -> bytes:
    """Return an audit entry as stored. Raises Unavailable if a text cannot be encoded (a lone surrogate)."""
    try:
        return encode(entry)
    except ValueError as error:
        raise Unavailable("audit entry") from error


def block_row(block: Block) -> dict[str, Value]:
    """Return the row of a block."""
    return {"writer": block.writer, "seq": block.seq, "entries": block.entries, "mac": block.mac}


def head_row(block: Block, key: bytes) -> dict[str, Value]:
    """Return the row of the head after `block`."""
    head = Head(block.writer, block.seq, block.mac)
    return {"writer": head.writer, "seq": head.seq, "mac": head.mac, "head_mac": head_mac(key, head)}


def block_of(row: Row) -> Block:
    """Return the block in a row of `BLOCKS`."""
    return Block(*row)


def head_of(row: Row) -> tuple[Head, bytes]:
    """Return the head in a row of `HEADS`, and its MAC."""
    writer, seq, mac, own_mac = row
    return Head(writer, seq, mac), own_mac
