"""The audit's seal: blocks of entries, each chained to its writer's block before, and the heads they end in.

Pure; the stores call it when they commit a group, `openers.store.audit.verify` when it checks what is stored. The key
lives outside the store, so that who can write the database can't seal. A writer is one process that writes blocks.
Source: rules chapter 8 (Audit) asks for the record; that it must not be alterable unseen is this service's own rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from hmac import digest
from typing import Final, NamedTuple, Self

START: Final = bytes(32)
"""The mac that a writer's first block follows."""

MAC_CHARACTERS: Final = 16
_WRITER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HASH: Final = "sha256"
_HASH_BLOCK: Final = 64


class Block(NamedTuple):
    """The entries of one commit group. `seq` counts from 1; `entries` are lines: MAC in hex, a space, JSON."""

    writer: str
    seq: int
    entries: bytes
    mac: bytes


class Head(NamedTuple):
    """Where a writer's chain ends: its last block's number and mac."""

    writer: str
    seq: int
    mac: bytes

    def __str__(self) -> str:
        """As written to the log: `writer:seq:hexmac`."""
        return f"{self.writer}:{self.seq}:{self.mac.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `writer:seq:hexmac`. Raises ValueError that says which part is wrong."""
        writer, _, rest = text.strip().partition(":")
        number, _, mac = rest.partition(":")
        if not is_writer(writer):
            raise ValueError(f"A head is writer:number:mac; {writer!r} is no writer's name")
        if not re.fullmatch(r"[0-9]{1,18}", number, re.ASCII):
            raise ValueError(f"A head is writer:number:mac; {number!r} is no block number")
        if not re.fullmatch(r"[0-9a-f]{64}", mac):
            raise ValueError(f"A head is writer:number:mac; its mac has 64 hexadecimal characters, not {len(mac)}")
        return cls(writer, int(number), bytes.fromhex(mac))


class Sealer:
    """Seals one writer's blocks. Its head moves only by `advance`, because a commit can fail after the sealing."""

    __slots__ = ("_inner", "_key", "_mac", "_outer", "_seq", "_writer")

    def __init__(self, key: bytes, writer: str, seq: int = 0, mac: bytes = START) -> None:
        """Go on after block `seq` with `mac`. Raises ValueError on a key or name that can't be one."""
        if not is_writer(writer):
            raise ValueError(f"{writer!r} can't name a writer: letters, digits, . _ - only, 64 at most")
        if not 16 <= len(key) <= _HASH_BLOCK:
            raise ValueError(f"The audit key has 16 to {_HASH_BLOCK} bytes, not {len(key)}")
        self._key, self._writer, self._seq, self._mac = key, writer, seq, mac
        padded = key.ljust(_HASH_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))

    @property
    def head(self) -> Head:
        """Where the chain ends, as far as commits have succeeded."""
        return Head(self._writer, self._seq, self._mac)

    def seal(self, entries: Sequence[bytes]) -> Block:
        """The next block, holding `entries` (one JSON text each). Raises ValueError on none, or on a line break."""
        if not entries:
            raise ValueError("A block holds at least one entry")
        seq = self._seq + 1
        body = self._lines(seq, entries)
        if body.count(b"\n") != len(entries):
            raise ValueError("An audit entry is one line")
        mac = block_mac(self._key, self._mac, Block(self._writer, seq, body, b""))
        return Block(self._writer, seq, body, mac)

    def _lines(self, seq: int, entries: Sequence[bytes]) -> bytes:
        """The entries as lines, each led by the MAC that ties it to its place (see `belongs`).

        HMAC (RFC 2104) step by step, since all entries of a block share its first part: half the time of `digest`.
        """
        place = self._inner.copy()
        place.update(f"entry|{self._writer}|{seq}|".encode())
        lines: list[bytes] = []
        for number, entry in enumerate(entries, 1):
            inner, outer = place.copy(), self._outer.copy()
            inner.update(b"%d|%b" % (number, entry))
            outer.update(inner.digest())
            lines.append(b"%b %b\n" % (outer.hexdigest()[:MAC_CHARACTERS].encode(), entry))
        return b"".join(lines)

    def advance(self, block: Block) -> None:
        """Take `block` as committed. Raises ValueError if it does not follow the head."""
        if block.writer != self._writer or block.seq != self._seq + 1:
            raise ValueError("The block does not follow the head of this writer")
        self._seq, self._mac = block.seq, block.mac


def is_writer(name: str) -> bool:
    """Whether this can name a writer: then it can't be confused with the separators around it."""
    return _WRITER.fullmatch(name) is not None


def belongs(key: bytes, line: bytes, writer: str, seq: int, number: int) -> bool:
    """Whether a stored line (without its line break) was sealed as entry `number`, from 1, of this block."""
    entry = line[MAC_CHARACTERS + 1 :]
    mac = digest(key, f"entry|{writer}|{seq}|{number}|".encode() + entry, _HASH)[:8]
    return line[: MAC_CHARACTERS + 1] == mac.hex().encode() + b" "


def block_mac(key: bytes, previous: bytes, block: Block) -> bytes:
    """The mac (32 bytes) that a block has after a block with mac `previous`; its own `mac` is not looked at."""
    count = block.entries.count(b"\n")
    return digest(
        key, b"block|%b|%b|%d|%d|%b" % (previous, block.writer.encode(), block.seq, count, block.entries), _HASH
    )


def head_mac(key: bytes, head: Head) -> bytes:
    """The mac (32 bytes) stored with a head, so that nobody without the key can write one."""
    return digest(key, f"head|{head}".encode(), _HASH)


def lines_of(entries: bytes) -> Iterator[bytes]:
    """The lines of a block, without their line breaks."""
    lines = entries.split(b"\n")
    return iter(lines[:-1] if not lines[-1] else lines)
