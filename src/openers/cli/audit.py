"""`openers audit verify`: read the whole chain while the service runs, and report damage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from openers.key_files import read_or_make_key
from openers.settings import Settings, SettingsError
from openers.store.audit.chain import Block, Head
from openers.store.audit.damage import Finding
from openers.store.audit.reading import read_chain, read_state
from openers.store.audit.verify import absent_chain, verify


class Verified(msgspec.Struct, frozen=True):
    """The result of a verification: findings, and the number of blocks, entries, waiting entries and stored heads."""

    findings: list[Finding]
    blocks: int
    entries: int
    waiting: int
    heads: list[str]

    @property
    def summary(self) -> str:
        """Return the counts and heads as text, for people and for a later `--head`."""
        counts = f"{self.entries} entries in {self.blocks} blocks, {self.waiting} waiting to be sealed"
        return "\n".join((counts, *(f"head {head}" for head in self.heads)))


async def verify_audit(settings: Settings, heads: Sequence[str]) -> Verified:
    """Verify the stored audit; `heads` are heads from the log. Raises SettingsError, Unavailable."""
    if not settings.audit_key_file.exists():
        raise SettingsError((f"The audit key {settings.audit_key_file} is missing; set OPENERS_AUDIT_KEY_FILE",))
    expected = [Head.parse(text) for text in heads]
    key = read_or_make_key(settings.audit_key_file, strict=settings.production)
    state = await read_state(settings.database_url)
    blocks, stored_heads = await read_chain(settings.database_url)
    counted = _Counted(blocks)
    findings = verify(counted, stored_heads, key, expected)
    if state.used and not (counted.blocks or stored_heads or state.waiting):
        findings.append(absent_chain())
    return Verified(findings, counted.blocks, counted.entries, state.waiting, [str(head) for head, _ in stored_heads])


class _Counted(Iterable[Block]):
    """Counts blocks while they are read."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._all = blocks
        self.blocks = self.entries = 0

    def __iter__(self) -> Iterator[Block]:
        for block in self._all:
            self.blocks += 1
            self.entries += block.entries.count(b"\n")
            yield block
