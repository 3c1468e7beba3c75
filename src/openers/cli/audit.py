"""`openers audit verify`: read the whole chain beside a running service and tell what does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from openers.key_files import read_or_make_key
from openers.settings import Settings, SettingsError
from openers.store.audit_chain import Block, Head
from openers.store.audit_damage import Finding
from openers.store.audit_reading import read_chain
from openers.store.audit_verify import verify


class Verified(msgspec.Struct, frozen=True):
    """What was found wrong in the stored audit, how many blocks and entries were read, and where the chains end."""

    findings: list[Finding]
    blocks: int
    entries: int
    heads: list[str]

    @property
    def summary(self) -> str:
        """The counts, and a line for each head, which `--head` takes later."""
        return "\n".join((f"{self.entries} entries in {self.blocks} blocks are as sealed", *self.heads))


async def verify_audit(settings: Settings, heads: Sequence[str]) -> Verified:
    """Check the stored audit; `heads` are those that the log told. Raises SettingsError, Unavailable."""
    if not settings.audit_key_file.exists():
        raise SettingsError((f"The audit key {settings.audit_key_file} is not there; set OPENERS_AUDIT_KEY_FILE",))
    expected = [Head.parse(text) for text in heads]
    key = read_or_make_key(settings.audit_key_file, strict=settings.production)
    blocks, stored_heads = await read_chain(settings.database_url)
    count = _Count(blocks)
    findings = verify(count, stored_heads, key, expected)
    return Verified(findings, count.blocks, count.entries, [str(head) for head, _ in stored_heads])


class _Count:
    """Blocks, counted while they are read."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._inner = blocks
        self.blocks = self.entries = 0

    def __iter__(self) -> Iterator[Block]:
        for block in self._inner:
            self.blocks += 1
            self.entries += len(block.entries.splitlines())
            yield block
