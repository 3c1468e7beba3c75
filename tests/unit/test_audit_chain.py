"""Every way to tamper with the stored audit is found, with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.store.audit.chain import START, Block, Head, Sealer, head_mac, lines_of
from openers.store.audit.damage import DamageKind, Finding
from openers.store.audit.verify import MOST, verify

KEY = bytes(range(32))
OTHER_KEY = bytes(32)

Stored = list[tuple[Head, bytes]]


def sealed(groups: Sequence[Sequence[bytes]], writer: str = "w1", key: bytes = KEY) -> list[Block]:
    """Return a chain with these groups of entries."""
    sealer = Sealer(key, writer)
    blocks: list[Block] = []
    for group in groups:
        block = sealer.seal(group)
        sealer.advance(block)
        blocks.append(block)
    return blocks


def heads_of(*chains: Sequence[Block], key: bytes = KEY) -> Stored:
    """Return the heads as the store keeps them."""
    heads = [Head(chain[-1].writer, chain[-1].seq, chain[-1].mac) for chain in chains]
    return [(head, head_mac(key, head)) for head in heads]


def entries(blocks: int = 5, each: int = 4) -> list[list[bytes]]:
    """Return distinct entries for a chain."""
    return [[b'{"n":"%d.%d"}' % (block, number) for number in range(each)] for block in range(blocks)]


def with_lines(block: Block, lines: Sequence[bytes]) -> Block:
    """Return the block with other lines."""
    return block._replace(entries=b"".join(line + b"\n" for line in lines))


def places(findings: Sequence[Finding]) -> list[tuple[DamageKind, int, int | None]]:
    """Return the findings without their texts."""
    return [(each.kind, each.seq, each.entry) for each in findings]


def alter(chain: list[Block], at: int, entry: int) -> None:
    """Change the text of an entry."""
    lines = list(lines_of(chain[at].entries))
    lines[entry] = lines[entry].replace(b"n", b"m")
    chain[at] = with_lines(chain[at], lines)


def remove(chain: list[Block], at: int, entry: int) -> None:
    """Remove an entry."""
    lines = list(lines_of(chain[at].entries))
    del lines[entry]
    chain[at] = with_lines(chain[at], lines)


def insert(chain: list[Block], at: int, entry: int, line: bytes = b"0123456789abcdef {}") -> None:
    """Insert a line."""
    lines = list(lines_of(chain[at].entries))
    lines.insert(entry, line)
    chain[at] = with_lines(chain[at], lines)


def swap_entries(chain: list[Block], one: tuple[int, int], two: tuple[int, int]) -> None:
    """Exchange two lines, within one block or between two."""
    for (at, entry), line in zip((one, two), [list(lines_of(chain[a].entries))[e] for a, e in (two, one)], strict=True):
        lines = list(lines_of(chain[at].entries))
        lines[entry] = line
        chain[at] = with_lines(chain[at], lines)


def swap_blocks(chain: list[Block], one: int, two: int) -> None:
    """Exchange the contents of two rows, but keep their numbers."""
    a, b = chain[one], chain[two]
    chain[one], chain[two] = b._replace(seq=a.seq), a._replace(seq=b.seq)


def change(chain: list[Block], at: int, mac: bytes) -> None:
    """Overwrite the mac of a block."""
    chain[at] = chain[at]._replace(mac=mac)


def cut(chain: list[Block], first: int, after: int | None = None) -> None:
    """Remove blocks."""
    del chain[first:after]


def copy_over(chain: list[Block], at: int, entry: int, over: int) -> None:
    """Overwrite an entry with another one of its block."""
    lines = list(lines_of(chain[at].entries))
    lines[over] = lines[entry]
    chain[at] = with_lines(chain[at], lines)


def alter_then_remove(chain: list[Block]) -> None:
    """Change and remove entries of one block."""
    alter(chain, 1, 2)
    remove(chain, 1, 0)


TAMPERINGS: list[tuple[str, Callable[[list[Block]], None], list[tuple[DamageKind, int, int | None]]]] = [
    ("first entry altered", lambda c: alter(c, 1, 0), [(DamageKind.ENTRY_ALTERED, 2, 1)]),
    ("last entry altered", lambda c: alter(c, 4, 3), [(DamageKind.ENTRY_ALTERED, 5, 4)]),
    ("entry removed", lambda c: remove(c, 1, 1), [(DamageKind.ENTRY_REMOVED, 2, 2)]),
    ("last entry removed", lambda c: remove(c, 1, 3), [(DamageKind.ENTRY_REMOVED, 2, 4)]),
    ("last entry of the last block removed", lambda c: remove(c, 4, 3), [(DamageKind.ENTRY_REMOVED, 5, 4)]),
    ("entry put in", lambda c: insert(c, 2, 2), [(DamageKind.ENTRY_INSERTED, 3, 3)]),
    ("entry put in last", lambda c: insert(c, 2, 4), [(DamageKind.ENTRY_INSERTED, 3, 5)]),
    ("one removed, a later one altered", alter_then_remove,
     [(DamageKind.ENTRY_REMOVED, 2, 1), (DamageKind.ENTRY_ALTERED, 2, 3)]),
    ("entries swapped within a block", lambda c: swap_entries(c, (1, 0), (1, 2)),
     [(DamageKind.ENTRIES_SWAPPED, 2, 1), (DamageKind.ENTRIES_SWAPPED, 2, 3)]),
    ("entries swapped between blocks", lambda c: swap_entries(c, (1, 0), (3, 2)),
     [(DamageKind.ENTRIES_SWAPPED, 2, 1), (DamageKind.ENTRIES_SWAPPED, 4, 3)]),
    ("entry overwritten by another", lambda c: copy_over(c, 1, 0, 2),
     [(DamageKind.ENTRY_ALTERED, 2, 3)]),
    ("layout changed", lambda c: c.__setitem__(1, c[1]._replace(entries=c[1].entries[:-1])),
     [(DamageKind.BLOCK_ALTERED, 2, None)]),
    ("mac altered", lambda c: change(c, 1, bytes(32)), [(DamageKind.BLOCK_ALTERED, 2, None)]),
    ("last mac altered", lambda c: change(c, 4, bytes(32)), [(DamageKind.BLOCK_ALTERED, 5, None)]),
    ("first blocks removed", lambda c: cut(c, 0, 2), [(DamageKind.BLOCKS_REMOVED, 1, None)]),
    ("a block removed", lambda c: cut(c, 2, 3), [(DamageKind.BLOCKS_REMOVED, 3, None)]),
    ("a block repeated", lambda c: c.insert(2, c[1]), [(DamageKind.BLOCK_INSERTED, 2, None)]),
    ("a stranger's block", lambda c: c.append(Block("no|body", 1, b"", START)), [(DamageKind.BLOCK_INSERTED, 1, None)]),
    ("neighbouring blocks swapped", lambda c: swap_blocks(c, 1, 2),
     [(DamageKind.BLOCKS_SWAPPED, 2, None), (DamageKind.BLOCKS_SWAPPED, 3, None)]),
    ("distant blocks swapped", lambda c: swap_blocks(c, 0, 3),
     [(DamageKind.BLOCKS_SWAPPED, 1, None), (DamageKind.BLOCKS_SWAPPED, 4, None)]),
    ("blocks out of order", lambda c: c.insert(1, c.pop(2)), [(DamageKind.BLOCKS_SWAPPED, 2, None)]),
    ("tail cut", lambda c: cut(c, 3), [(DamageKind.TAIL_CUT, 4, None)]),
    ("all cut", lambda c: cut(c, 0), [(DamageKind.TAIL_CUT, 1, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "found"), [row[1:] for row in TAMPERINGS], ids=[row[0] for row in TAMPERINGS])
def test_tampering_is_named_and_placed(
    tamper: Callable[[list[Block]], None], found: list[tuple[DamageKind, int, int | None]]
) -> None:
    """Each tampering gives exactly its findings, and another writer's chain has none."""
    chain, other = sealed(entries()), sealed(entries(), "w2")
    heads = heads_of(chain, other)
    tamper(chain)
    findings = verify([*chain, *other], heads, KEY)
    assert places(findings) == found
    assert all(each.text for each in findings)


def test_untampered_chains_give_no_findings() -> None:
    """Interleaved writers, outdated heads and heads of empty chains are valid."""
    one, two = sealed(entries()), sealed(entries(3), "w2")
    mixed = [one[0], two[0], one[1], two[1], one[2], two[2], *one[3:]]
    early = Head("w1", 2, one[1].mac)
    assert verify(mixed, heads_of(one, two), KEY, [early, Head("w3", 0, START)]) == []


HEADS: list[tuple[str, Callable[[Head], Stored], list[DamageKind]]] = [
    ("absent", lambda _: [], [DamageKind.HEAD_ABSENT]),
    ("forged mac", lambda head: [(head, bytes(32))], [DamageKind.HEAD_FORGED]),
    ("forged number", lambda head: [(head._replace(seq=3), head_mac(KEY, head))], [DamageKind.HEAD_FORGED]),
    ("another key", lambda head: [(head, head_mac(OTHER_KEY, head))], [DamageKind.HEAD_FORGED]),
]


@pytest.mark.parametrize(("stored", "kinds"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_heads_are_checked(stored: Callable[[Head], Stored], kinds: list[DamageKind]) -> None:
    """A missing head, and one written without the key, are findings."""
    chain = sealed(entries())
    assert [each.kind for each in verify(chain, stored(heads_of(chain)[0][0]), KEY)] == kinds


def test_rewriting_without_the_key_is_found() -> None:
    """A chain sealed with another key is found from its blocks."""
    forged = sealed([[b"{}"]], key=OTHER_KEY)
    kinds = {each.kind for each in verify(forged, heads_of(forged, key=OTHER_KEY), KEY)}
    assert kinds == {DamageKind.ENTRY_ALTERED, DamageKind.HEAD_FORGED}


def test_rewriting_with_the_key_is_found_by_a_head_from_the_log_alone() -> None:
    """A rewrite with the key is consistent, but lacks the block that the log names."""
    chain = sealed(entries())
    logged = Head("w1", 3, chain[2].mac)
    rewritten = sealed([[b'{"n":"nothing happened"}']] * 5)
    heads = heads_of(rewritten)
    assert verify(rewritten, heads, KEY) == []
    assert places(verify(rewritten, heads, KEY, [logged])) == [(DamageKind.CHAIN_REWRITTEN, 3, None)]


def test_tail_cut_under_an_older_head_is_found_by_a_head_from_the_log_alone() -> None:
    """If an older head is stored again, only the log reveals that the tail was cut."""
    chain = sealed(entries())
    logged = Head("w1", 5, chain[4].mac)
    old = heads_of(chain[:3])
    assert verify(chain[:3], old, KEY) == []
    assert places(verify(chain[:3], old, KEY, [logged])) == [(DamageKind.TAIL_CUT, 4, None)]


def test_verification_with_a_wrong_key_stops() -> None:
    """If every entry is wrong, the list of findings is limited and says so."""
    chain = sealed(entries(blocks=MOST, each=2))
    findings = verify(chain, (), OTHER_KEY)
    assert findings[0].kind is DamageKind.UNFINISHED
    assert MOST <= len(findings) <= MOST + 10


@st.composite
def tampered(draw: st.DrawFn) -> tuple[list[Block], Stored, set[tuple[DamageKind, int, int | None]]]:
    """Draw a random chain with one random tampering, and the expected findings."""
    text = st.binary(min_size=1, max_size=12).map(lambda raw: b'{"n":"%b"}' % raw.hex().encode())
    groups = draw(st.lists(st.lists(text, min_size=2, max_size=6), min_size=2, max_size=7))
    chain = sealed(groups)
    heads = heads_of(chain)
    at = draw(st.integers(0, len(chain) - 1))
    entry = draw(st.integers(0, len(groups[at]) - 1))
    there = draw(st.integers(0, len(chain) - 1).filter(lambda other: other != at))
    where = draw(st.integers(0, len(groups[there]) - 1))
    match draw(st.sampled_from(["alter", "remove", "insert", "exchange", "swap", "cut", "mac"])):
        case "alter":
            alter(chain, at, entry)
            return chain, heads, {(DamageKind.ENTRY_ALTERED, at + 1, entry + 1)}
        case "remove":
            remove(chain, at, entry)
            return chain, heads, {(DamageKind.ENTRY_REMOVED, at + 1, entry + 1)}
        case "insert":
            insert(chain, at, entry)
            return chain, heads, {(DamageKind.ENTRY_INSERTED, at + 1, entry + 1)}
        case "exchange":
            swap_entries(chain, (at, entry), (there, where))
            return (
                chain,
                heads,
                {
                    (DamageKind.ENTRIES_SWAPPED, at + 1, entry + 1),
                    (DamageKind.ENTRIES_SWAPPED, there + 1, where + 1),
                },
            )
        case "swap":
            swap_blocks(chain, at, there)
            return (
                chain,
                heads,
                {(DamageKind.BLOCKS_SWAPPED, at + 1, None), (DamageKind.BLOCKS_SWAPPED, there + 1, None)},
            )
        case "cut":
            cut(chain, at, at + 1)
            kind = DamageKind.BLOCKS_REMOVED if at < len(groups) - 1 else DamageKind.TAIL_CUT
            return chain, heads, {(kind, at + 1, None)}
        case _:
            change(chain, at, bytes(32))
            return chain, heads, {(DamageKind.BLOCK_ALTERED, at + 1, None)}


@given(tampered())
def test_one_random_tampering_is_found_where_it_was_done(
    case: tuple[list[Block], Stored, set[tuple[DamageKind, int, int | None]]],
) -> None:
    """The finding has the right kind and place, and there is no other."""
    chain, heads, found = case
    assert set(places(verify(chain, heads, KEY))) == found


@given(st.lists(st.lists(st.binary(max_size=30).map(bytes.hex).map(str.encode), min_size=1, max_size=9), min_size=1))
def test_random_untampered_chains_give_no_findings(groups: list[list[bytes]]) -> None:
    """Any sealed entries verify."""
    chain = sealed(groups)
    assert verify(chain, heads_of(chain), KEY) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=60)), min_size=1, max_size=4), st.data())
def test_no_change_of_any_bytes_goes_unseen(edits: list[tuple[int, bytes]], data: st.DataObject) -> None:
    """Overwritten bytes of one or more blocks are found, unless they equal the old ones."""
    chain = sealed(entries())
    heads = heads_of(chain)
    before = list(chain)
    for at, junk in edits:
        block = chain[at % len(chain)]
        cut_at = data.draw(st.integers(0, len(block.entries)))
        chain[at % len(chain)] = block._replace(entries=block.entries[:cut_at] + junk)
    assert bool(verify(chain, heads, KEY)) == (chain != before)
