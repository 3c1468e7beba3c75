"""Diagnose one audit block whose MAC is wrong from the MACs of its lines.

This module is pure; only `openers.store.audit.verify` calls it. It sees one block, so a line from another block counts
as a stray.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from openers.store.audit.chain import Block, belongs, block_mac, lines_of

REACH: Final = 64
"""Maximum number of removed entries before a line for the line still to be recognised."""


class DamageKind(StrEnum):
    """Kinds of damage to stored audit."""

    ENTRY_ALTERED = "entry altered"
    ENTRY_REMOVED = "entry removed"
    ENTRY_INSERTED = "entry inserted"
    ENTRIES_SWAPPED = "entries swapped"
    BLOCK_ALTERED = "block altered"
    BLOCK_INSERTED = "block inserted"
    BLOCKS_REMOVED = "blocks removed"
    BLOCKS_SWAPPED = "blocks swapped"
    TAIL_CUT = "tail cut"
    HEAD_FORGED = "head forged"
    HEAD_ABSENT = "head absent"
    CHAIN_ABSENT = "chain absent"
    CHAIN_REWRITTEN = "chain rewritten"
    UNFINISHED = "verification not finished"


class Finding(NamedTuple):
    """One kind of damage: its writer, block and entry (from 1), and a text for people."""

    kind: DamageKind
    writer: str
    seq: int
    entry: int | None
    text: str


class Damage(NamedTuple):
    """The damage in a block.

    `strays` are positions (from 1) of lines that were not sealed for this block. `holes` are the numbers of lost
    entries. `in_doubt` means that each line is intact: either the last entries were removed or the block's MAC was
    altered.
    """

    block: Block
    lines: Sequence[bytes]
    findings: list[Finding]
    strays: list[int]
    holes: list[int]
    in_doubt: bool = False

    @property
    def foreign(self) -> bool:
        """Return whether no line in the block was sealed for it."""
        return len(self.strays) == len(self.lines) > 0


def diagnose(block: Block, previous: Sequence[bytes], key: bytes) -> Damage:
    """Diagnose a block whose MAC does not fit any of the MACs that may precede it."""
    lines = list(lines_of(block.entries))
    homes = _homes(block, lines, key)
    known = [home for home in homes if home is not None]
    original = b"".join(lines[homes.index(home)] + b"\n" for home in sorted(known))
    whole = any(block_mac(key, each, block._replace(entries=original)) == block.mac for each in previous)
    damage = Damage(block, lines, _swaps(block, homes), [], [])
    missing: set[int] = set() if whole else set(range(1, max(known, default=0) + 1)) - set(known)
    _place_strays(damage, homes, missing, whole)
    for number in sorted(missing):
        damage.holes.append(number)
        damage.findings.append(_finding(block, DamageKind.ENTRY_REMOVED, number, "was removed"))
    if damage.findings:
        return damage
    if whole:
        text = f"Block {block.seq} of {block.writer} has another layout than when it was sealed"
        damage.findings.append(Finding(DamageKind.BLOCK_ALTERED, block.writer, block.seq, None, text))
        return damage
    number = len(lines) + 1
    damage.holes.append(number)
    damage.findings.append(_finding(block, DamageKind.ENTRY_REMOVED, number, "was removed, perhaps others after it"))
    return damage._replace(in_doubt=True)


def _homes(block: Block, lines: Sequence[bytes], key: bytes) -> list[int | None]:
    """Return for each line its sealed number in this block; None for strays and repetitions."""
    taken: set[int] = set()
    homes: list[int | None] = []
    for position, line in enumerate(lines, 1):
        candidates = (position, *range(1, len(lines) + REACH + 1))
        home = next((each for each in candidates if belongs(key, line, block.writer, block.seq, each)), None)
        homes.append(None if home in taken else home)
        if home is not None:
            taken.add(home)
    return homes


def _swaps(block: Block, homes: Sequence[int | None]) -> list[Finding]:
    """Return findings for the lines of this block that are out of order."""
    standing = [(position, home) for position, home in enumerate(homes, 1) if home is not None]
    ordered = sorted(home for _, home in standing)
    return [
        _finding(block, DamageKind.ENTRIES_SWAPPED, position, f"was sealed as entry {home}")
        for (position, home), due in zip(standing, ordered, strict=True)
        if home != due
    ]


def _place_strays(damage: Damage, homes: Sequence[int | None], missing: set[int], whole: bool) -> None:
    """Decide for each stray line whether it replaces a missing entry (which is then not missing) or was inserted."""
    block = damage.block
    last = max((home for home in homes if home is not None), default=0)
    before = 0
    for position, home in enumerate(homes, 1):
        if home is not None:
            before = home
            continue
        damage.strays.append(position)
        after = next((each for each in homes[position:] if each is not None), 0)
        number = next((each for each in (before + 1, after - 1, position) if each in missing), None)
        if number is None and not whole and before >= last:
            number = before + 1
        if number is None:
            damage.findings.append(_finding(block, DamageKind.ENTRY_INSERTED, position, "was inserted"))
            continue
        before = number
        last = max(last, number)
        missing.discard(number)
        damage.holes.append(number)
        damage.findings.append(_finding(block, DamageKind.ENTRY_ALTERED, number, "was altered"))


def _finding(block: Block, kind: DamageKind, entry: int, done: str) -> Finding:
    """Return a finding about one entry of the block."""
    return Finding(kind, block.writer, block.seq, entry, f"Entry {entry} of block {block.seq} of {block.writer} {done}")
