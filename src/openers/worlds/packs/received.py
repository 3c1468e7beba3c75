"""Packs that are sent to a running service: what is sent, and where it is kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from openers.worlds.packs.reading import ENDING, parse_pack, scenes_of

MOST_RECEIVED: Final = 64
"""Packs that are kept besides those that worlds and snapshots hold; the oldest go first."""


def to_send(path: Path) -> dict[str, Any]:
    """Return the body that sends the pack in a file, with its scenes, to be loaded. Raises OSError."""
    return {"toml": path.read_text("utf-8"), "name": path.stem, "scenes": dict(scenes_of(path))}


def keep_received(sent: tuple[str, str, Mapping[str, str]], folder: Path, held: Collection[str]) -> str:
    """Keep a pack that was sent, in `folder`; return what it is referred to by from now on. Raises `PackError`.

    `sent` are its name, its text and its scenes by name. It may be based on packs of this package, not on files of this
    machine. `held` are references to packs that worlds and snapshots hold, which stay.
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
    """Remove the packs that were sent longest ago, as far as there are too many that nothing holds."""
    loose = [each for each in folder.glob("*") if each.resolve() not in held]
    loose.sort(key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for each in loose[MOST_RECEIVED - 1 :]:
        shutil.rmtree(each, ignore_errors=True)
