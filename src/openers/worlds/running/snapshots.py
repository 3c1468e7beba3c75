"""The state of snapshots beside their databases, one JSON file each, so that they outlive the process."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from openers.worlds.refusals import Unknown
from openers.worlds.running.running_world import MAIN, WorldState

_ENDING: Final = ".json"


class Snapshots:
    """Snapshots by name, in their own directory."""

    def __init__(self, directory: Path) -> None:
        """Store `directory`, which need not exist yet."""
        self._directory = directory

    @property
    def names(self) -> Sequence[str]:
        """Return the names of all snapshots."""
        return sorted(path.stem for path in self._directory.glob(f"*{_ENDING}") if path.stem != MAIN)

    def get(self, name: str) -> WorldState:
        """Return the snapshot. Raises Unknown."""
        kept = self._read(name) if name in self.names else None
        if kept is None:
            raise Unknown(f"There is no snapshot {name}: GET /_test/worlds lists them")
        return kept

    @property
    def packs(self) -> Path:
        """Return the directory of uploaded packs."""
        return self._directory / "packs"

    @property
    def loaded(self) -> Path:
        """Return the directory of the values of packs that were read by path."""
        return self._directory / "loaded"

    @property
    def content(self) -> Iterable[Collection[str]]:
        """Return the content keys of each snapshot."""
        return [self.get(name).content for name in self.names]

    def put(self, name: str, kept: WorldState) -> None:
        """Add or replace a snapshot."""
        self._directory.mkdir(parents=True, exist_ok=True)
        unfinished = self._directory / f"{name}.part"
        unfinished.write_bytes(msgspec.json.encode(kept))
        unfinished.replace(self._directory / f"{name}{_ENDING}")

    def drop(self, name: str) -> None:
        """Remove a snapshot."""
        (self._directory / f"{name}{_ENDING}").unlink(missing_ok=True)

    def main(self) -> WorldState | None:
        """Return the last stored state of main."""
        return self._read(MAIN)

    def put_main(self, kept: WorldState) -> None:
        """Store the state of main beside its database."""
        self.put(MAIN, kept)

    def _read(self, name: str) -> WorldState | None:
        path = self._directory / f"{name}{_ENDING}"
        return msgspec.json.decode(path.read_bytes(), type=WorldState) if path.exists() else None
