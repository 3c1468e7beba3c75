"""Verify stored audit blocks and heads; name what was tampered with and where.

Pure and streaming: it keeps one block in memory, and the few damaged ones. `openers audit verify` and tests call it. A
holder of the key can write a new consistent chain; only heads noted elsewhere (the log) reveal that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from openers.store.audit.chain import START, Block, Head, belongs, block_mac, head_mac, is_writer
from openers.store.audit.damage import Damage, DamageKind, Finding, diagnose

MOST: Final = 1000
"""Number of findings after which verification stops: the key is probably wrong."""


def verify(
    blocks: Iterable[Block], heads: Iterable[tuple[Head, bytes]], key: bytes, expected: Sequence[Head] = ()
) -> list[Finding]:
    """Return all findings in order of writer, block and entry; empty if the audit is intact.

    `blocks` are in stored order, each writer's by rising number. `heads` are stored heads with their MACs. `expected`
    are heads from the log, which the chains must contain.
    """
    check = _Check(key, heads, expected)
    for block in blocks:
        check.take(block)
        if check.full:
            break
    return check.finish()


def absent_chain() -> Finding:
    """Return the finding that a store was used but has no audit."""
    text = "The store holds records, but no audit: all blocks, heads and waiting entries were removed"
    return Finding(DamageKind.CHAIN_ABSENT, "", 0, None, text)


class _Chain:
    """The verified part of one writer's blocks."""

    __slots__ = ("doubt", "gaps", "last", "late", "previous", "sure")

    def __init__(self) -> None:
        """Start before the first block."""
        self.last = 0
        self.previous: tuple[bytes, ...] = (START,)
        self.sure = True
        self.doubt: Damage | None = None
        self.gaps: list[range] = []
        self.late: set[int] = set()

    def absent(self) -> Iterator[tuple[int, int]]:
        """Yield the first and last number of each run of missing blocks."""
        for gap in self.gaps:
            first = gap.start
            for seq in sorted(each for each in self.late if each in gap):
                if seq > first:
                    yield first, seq - 1
                first = seq + 1
            if first < gap.stop:
                yield first, gap.stop - 1


class _Check:
    """One verification under way."""

    def __init__(self, key: bytes, heads: Iterable[tuple[Head, bytes]], expected: Sequence[Head]) -> None:
        """Store the heads; report forged ones, which are not used further."""
        self._key = key
        self._chains: defaultdict[str, _Chain] = defaultdict(_Chain)
        self._damages: list[Damage] = []
        self._findings: list[Finding] = []
        self._count = 0
        self._headed: set[str] = set()
        self._marks: dict[tuple[str, int], list[Head]] = defaultdict(list)
        for head, mac in heads:
            self._headed.add(head.writer)
            if mac != head_mac(key, head):
                self._find(
                    DamageKind.HEAD_FORGED, head.writer, head.seq, "The stored head was not written with the key"
                )
            else:
                self._marks[head.writer, head.seq].append(head)
        for head in expected:
            self._marks[head.writer, head.seq].append(head)

    @property
    def full(self) -> bool:
        """Return whether there are too many findings to continue."""
        return self._count >= MOST

    def take(self, block: Block) -> None:
        """Check the next block."""
        if not is_writer(block.writer) or block.seq < 1:
            self._find(
                DamageKind.BLOCK_INSERTED,
                block.writer,
                block.seq,
                "This block was not written by a writer of this service",
            )
            return
        chain = self._chains[block.writer]
        if block.seq <= chain.last:
            self._take_late(chain, block)
            return
        if block.seq > chain.last + 1:
            chain.gaps.append(range(chain.last + 1, block.seq))
            chain.previous, chain.sure, chain.doubt = (), False, None
        self._follow(chain, block)
        chain.last = block.seq

    def _follow(self, chain: _Chain, block: Block) -> None:
        """Check a block that is newer than all before it, and move the end of the chain to it."""
        computed = block.mac
        for previous in chain.previous:
            computed = block_mac(self._key, previous, block)
            if computed == block.mac:
                if chain.doubt is not None and previous != chain.doubt.block.mac:
                    self._settle(chain.doubt)
                chain.previous, chain.sure, chain.doubt = (block.mac,), True, None
                self._compare(block)
                return
        damage = diagnose(block, chain.previous, self._key)
        if damage.in_doubt and not chain.sure:
            chain.previous, chain.sure, chain.doubt = (block.mac,), True, None
            self._compare(block)
            return
        self._keep(damage)
        chain.previous, chain.sure = (block.mac, computed), not damage.foreign
        chain.doubt = damage if damage.in_doubt else None
        if damage.in_doubt and any(mark.mac == computed for mark in self._marks.pop((block.writer, block.seq), ())):
            self._settle(damage)
        self._marks.pop((block.writer, block.seq), None)

    def _take_late(self, chain: _Chain, block: Block) -> None:
        """Check a block whose number is not above those before it: it is out of order or duplicated."""
        if block.seq in chain.late or not any(block.seq in gap for gap in chain.gaps):
            self._find(DamageKind.BLOCK_INSERTED, block.writer, block.seq, f"There is more than one block {block.seq}")
            return
        chain.late.add(block.seq)
        self._marks.pop((block.writer, block.seq), None)
        self._find(
            DamageKind.BLOCKS_SWAPPED, block.writer, block.seq, f"Block {block.seq} stands after block {chain.last}"
        )
        damage = diagnose(block, (), self._key)
        if not damage.in_doubt:
            self._keep(damage)

    def _settle(self, damage: Damage) -> None:
        """Record that only the block's MAC was altered and its entries are intact."""
        block = damage.block
        text = f"The mac of block {block.seq} of {block.writer} was altered; its entries are as sealed"
        damage.findings[:] = [Finding(DamageKind.BLOCK_ALTERED, block.writer, block.seq, None, text)]

    def _compare(self, block: Block) -> None:
        """Compare a consistent block with the heads that name it."""
        for head in self._marks.pop((block.writer, block.seq), ()):
            if head.mac != block.mac:
                text = f"Block {block.seq} of {block.writer} is not the one that the head {head} names"
                self._find(DamageKind.CHAIN_REWRITTEN, block.writer, block.seq, text)

    def finish(self) -> list[Finding]:
        """Return all findings after the last block has been read."""
        if self.full:
            text = f"Stopped after {self._count} findings; check that the key is right"
            self._find(DamageKind.UNFINISHED, "", 0, text)
        else:
            self._find_absences()
            trace_strays(self._damages, self._key)
        found = [*self._findings, *(finding for damage in self._damages for finding in damage.findings)]
        return sorted(dict.fromkeys(found), key=lambda each: (each.writer, each.seq, each.entry or 0, each.kind))

    def _find_absences(self) -> None:
        """Report missing blocks, tails and heads."""
        ends: dict[str, int] = {}
        for writer, seq in self._marks:
            if seq > 0 and seq > self._chains[writer].last:
                ends[writer] = max(seq, ends.get(writer, 0))
        for writer, chain in self._chains.items():
            for first, last in chain.absent():
                self._find(
                    DamageKind.BLOCKS_REMOVED, writer, first, f"Blocks {first} to {last} of {writer} were removed"
                )
            if writer in ends:
                text = f"Blocks {chain.last + 1} to {ends[writer]} of {writer} were cut off"
                self._find(DamageKind.TAIL_CUT, writer, chain.last + 1, text)
            if writer not in self._headed:
                self._find(DamageKind.HEAD_ABSENT, writer, chain.last, f"No head is stored for {writer}")

    def _find(self, kind: DamageKind, writer: str, seq: int, text: str) -> None:
        """Record a finding about a block or head."""
        self._findings.append(Finding(kind, writer, seq, None, text))
        self._count += 1

    def _keep(self, damage: Damage) -> None:
        """Record a damaged block."""
        self._damages.append(damage)
        self._count += len(damage.findings)


def trace_strays(damages: Sequence[Damage], key: bytes) -> None:
    """Find where stray lines and blocks came from, among the damaged blocks, and add it to the findings."""
    foreign = [damage for damage in damages if damage.foreign]
    holes = [(each.block, number) for each in damages for number in each.holes]
    for damage in damages:
        block = damage.block
        source = next((each.block for each in foreign if damage.foreign and _holds(damage, each.block, key)), None)
        if source is not None:
            text = f"Where block {block.seq} of {block.writer} was stands block {source.seq} of {source.writer}"
            damage.findings[:] = [Finding(DamageKind.BLOCKS_SWAPPED, block.writer, block.seq, None, text)]
            continue
        for position in damage.strays:
            line = damage.lines[position - 1]
            home = next((each for each in holes if belongs(key, line, each[0].writer, each[0].seq, each[1])), None)
            if home is not None:
                _name_source(damage, position, home)


def _holds(damage: Damage, source: Block, key: bytes) -> bool:
    """Return whether all lines of a damaged block are, in order, those of another."""
    return all(belongs(key, line, source.writer, source.seq, at) for at, line in enumerate(damage.lines, 1))


def _name_source(damage: Damage, position: int, home: tuple[Block, int]) -> None:
    """Replace the finding about a stray line with one that names its origin."""
    block, (source, number) = damage.block, home
    text = (
        f"At entry {position} of block {block.seq} of {block.writer} stands "
        f"entry {number} of block {source.seq} of {source.writer}"
    )
    moved = Finding(DamageKind.ENTRIES_SWAPPED, block.writer, block.seq, position, text)
    about = damage.strays.index(position)
    told = [each for each in damage.findings if each.kind in (DamageKind.ENTRY_ALTERED, DamageKind.ENTRY_INSERTED)]
    if about < len(told):
        damage.findings[damage.findings.index(told[about])] = moved
