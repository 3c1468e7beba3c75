"""The pack of a world as it was read, stored so that a later change of its files does not affect the world."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from openers.store.engine.statements import encode
from openers.worlds.packs.pack import Pack, PackError
from openers.worlds.packs.reading import is_path, knows_pack, read_pack

MOST_LOADED: Final = 64
"""Maximum stored values besides those of worlds and snapshots; the oldest are removed first."""
ENDING: Final = ".json"


def keep_loaded(pack: Pack, folder: Path, held: Collection[str] = ()) -> Pack:
    """Store the value of a pack that was read by path, and return it with its `read_as`. Raises OSError.

    A pack of this package does not change, so it is returned as it is. `held` are the values of worlds and snapshots,
    which are kept.
    """
    return store_value(pack, folder, held) if is_path(pack.reference) else pack


def store_value(pack: Pack, folder: Path, held: Collection[str] = ()) -> Pack:
    """Store the value of any pack, as `keep_loaded` does. Raises OSError."""
    value = encode(msgspec.structs.replace(pack, read_as=""))
    file = (folder / f"{hashlib.sha256(value).hexdigest()[:16]}{ENDING}").resolve()
    if not file.exists():
        _make_room(folder, held)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        unfinished.write_bytes(value)
        unfinished.replace(file)
    return msgspec.structs.replace(pack, read_as=str(file))


def loaded_pack(reference: str, read_as: str) -> Pack | None:
    """Return the pack of a world as it was read; a pack without a stored value is read now. Raises `PackError`.

    Return `None` for a world without a pack, or whose pack no longer exists.
    """
    if read_as and Path(read_as).is_file():
        return _value(read_as)
    return read_pack(reference) if knows_pack(reference) else None


def pack_from(value: bytes) -> Pack:
    """Return the pack that `encode` wrote. Raises `PackError`."""
    try:
        return msgspec.json.decode(value, type=Pack, dec_hook=_checked)
    except (ValueError, RecursionError) as error:
        raise PackError(f"the stored value of a pack is damaged: {error}") from error


@lru_cache(maxsize=MOST_LOADED)
def _value(read_as: str) -> Pack:
    """Return the stored value, which never changes under its name."""
    return msgspec.structs.replace(pack_from(Path(read_as).read_bytes()), read_as=read_as)


def _checked(kind: type, text: str) -> str:
    return kind(text)


def _make_room(folder: Path, held: Collection[str]) -> None:
    """Remove the oldest values beyond the limit, except those that worlds or snapshots use."""
    loose = [each for each in folder.glob(f"*{ENDING}") if str(each.resolve()) not in held]
    loose.sort(key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for each in loose[MOST_LOADED - 1 :]:
        each.unlink(missing_ok=True)
