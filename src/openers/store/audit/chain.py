"""The audit chain: blocks of entries, each chained to its writer's previous block, and the head of each chain.

This module is pure. Stores call it when they commit a group; `openers.store.audit.verify` calls it to check stored
blocks. The key is kept outside the store, so write access to the database does not suffice to seal. A writer is one
process that writes blocks. Source: rules chapter 8 (Audit) asks for the record; that tampering must be detectable is
this service's own rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from hmac import digest
from typing import Final, NamedTuple, Self

START: Final = bytes(32)
"""The MAC before a writer's first block."""

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
    """The head of a writer's chain: number and MAC of its last block."""

    writer: str
    seq: int
    mac: bytes

    def __str__(self) -> str:
        """Return the head as written to the log: `writer:seq:hexmac`."""
        return f"{self.writer}:{self.seq}:{self.mac.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `writer:seq:hexmac`. Raises ValueError that names the wrong part."""
        writer, _, rest = text.strip().partition(":")
        number, _, mac = rest.partition(":")
        if not is_writer(writer):
            raise ValueError(f"A head is writer:number:mac; {writer!r} is not a valid writer name")
        if not re.fullmatch(r"[0-9]{1,18}", number, re.ASCII):
            raise ValueError(f"A head is writer:number:mac; {number!r} is not a block number")
        if not re.fullmatch(r"[0-9a-f]{64}", mac):
            raise ValueError(f"A head is writer:number:mac; its mac has 64 hexadecimal characters, not {len(mac)}")
        return cls(writer, int(number), bytes.fromhex(mac))


class Sealer:
    """Seals one writer's blocks. Its head moves only by `advance`, because a commit can fail after sealing."""

    __slots__ = ("_inner", "_key", "_mac", "_outer", "_seq", "_writer")

    def __init__(self, key: bytes, writer: str, seq: int = 0, mac: bytes = START) -> None:
        """Continue after block `seq` with `mac`. Raises ValueError for an invalid key or name."""
        if not is_writer(writer):
            raise ValueError(f"{writer!r} is not a valid writer name: use at most 64 letters, digits, . _ -")
        if not 16 <= len(key) <= _HASH_BLOCK:
            raise ValueError(f"The audit key has 16 to {_HASH_BLOCK} bytes, not {len(key)}")
        self._key, self._writer, self._seq, self._mac = key, writer, seq, mac
        padded = key.ljust(_HASH_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))

    @property
    def head(self) -> Head:
        """Return the head after the last successful commit."""
        return Head(self._writer, self._seq, self._mac)

    def seal(self, entries: Sequence[bytes]) -> Block:
        """Return the next block with `entries` (one JSON text each). Raises ValueError if empty or multi-line."""
        if not entries:
            raise ValueError("A block must have at least one entry")
        seq = self._seq + 1
        body = self._lines(seq, entries)
        if body.count(b"\n") != len(entries):
            raise ValueError("An audit entry must be one line")
        mac = block_mac(self._key, self._mac, Block(self._writer, seq, body, b""))
        return Block(self._writer, seq, body, mac)

    def _lines(self, seq: int, entries: Sequence[bytes]) -> bytes:
        """Return the entries as lines; the MAC at the start of each ties it to its position (see `belongs`).

        HMAC (RFC 2104) is computed step by step because all entries of a block share its first part. This takes half
        the time of `digest`.
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
        """Record that `block` was committed. Raises ValueError if it does not follow the head."""
        if block.writer != self._writer or block.seq != self._seq + 1:
            raise ValueError("The block does not follow the head of this writer")
        self._seq, self._mac = block.seq, block.mac


def is_writer(name: str) -> bool:
    """Return whether a name is valid for a writer, so that it cannot be confused with separators."""
    return _WRITER.fullmatch(name) is not None


def belongs(key: bytes, line: bytes, writer: str, seq: int, number: int) -> bool:
    """Return whether a stored line (without line break) was sealed as entry `number`, from 1, of this block."""
    entry = line[MAC_CHARACTERS + 1 :]
    mac = digest(key, f"entry|{writer}|{seq}|{number}|".encode() + entry, _HASH)[:8]
    return line[: MAC_CHARACTERS + 1] == mac.hex().encode() + b" "


def block_mac(key: bytes, previous: bytes, block: Block) -> bytes:
    """Return the MAC (32 bytes) of a block that follows MAC `previous`; the block's own `mac` is ignored."""
    count = block.entries.count(b"\n")
    return digest(
        key, b"block|%b|%b|%d|%d|%b" % (previous, block.writer.encode(), block.seq, count, block.entries), _HASH
    )


def head_mac(key: bytes, head: Head) -> bytes:
    """Return the MAC (32 bytes) stored with a head, which cannot be computed without the key."""
    return digest(key, f"head|{head}".encode(), _HASH)


def lines_of(entries: bytes) -> Iterator[bytes]:
    """Return the lines of a block without line breaks."""
    lines = entries.split(b"\n")
    return iter(lines[:-1] if not lines[-1] else lines)
