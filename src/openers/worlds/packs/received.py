"""Packs that callers upload to a running service: the request body, and where they are stored."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from openers.worlds.packs.reading import ENDING, is_path, parse_pack, scenes_of

MOST_RECEIVED: Final = 64
"""Maximum stored packs besides those of worlds and snapshots; the oldest are removed first."""


def to_send(pack: str, folder: Path = Path()) -> dict[str, Any]:
    """Return the part of a request that names a pack, or uploads the file at a path in `folder` with its scenes.

    Raises OSError.
    """
    if not is_path(pack):
        return {"pack": pack}
    path = folder / pack
    return {"toml": path.read_text("utf-8"), "name": path.stem, "scenes": dict(scenes_of(path))}


def keep_received(sent: tuple[str, str, Mapping[str, str]], folder: Path, held: Collection[str]) -> str:
    """Store an uploaded pack in `folder`; return its reference. Raises `PackError`.

    `sent` are its name, its text and its scenes by name. It may be based on packs of this package, not on files of this
    machine. `held` are references to packs of worlds and snapshots, which are kept.
    """
    name, text, scenes = sent
    parse_pack(name, text, scenes)
    parts = (name, text, *(part for key in sorted(scenes) for part in (key, scenes[key])))
    own = folder / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    file = own / f"{name}{ENDING}"
    if file.exists():
        os.utime(own)
        return str(file.resolve())
    _make_room(folder, {Path(each).parent for each in held})
    for place, content in (*((own / name / f"{key}{ENDING}", scenes[key]) for key in scenes), (file, text)):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, "utf-8")
    return str(file.resolve())


def _make_room(folder: Path, held: Collection[Path]) -> None:
    """Remove the oldest uploaded packs beyond the limit, except those that worlds or snapshots use."""
    loose = [each for each in folder.glob("*") if each.resolve() not in held]
    loose.sort(key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for each in loose[MOST_RECEIVED - 1 :]:
        shutil.rmtree(each, ignore_errors=True)
