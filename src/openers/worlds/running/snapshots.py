"""What snapshots are besides their databases, one JSON file each, so that they outlive the process."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from openers.worlds.refusals import Unknown
from openers.worlds.running.held import MAIN, Kept

_ENDING: Final = ".json"


class Snapshots:
    """Snapshots by name, in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        """`directory` need not be there yet."""
        self._directory = directory

    @property
    def names(self) -> Sequence[str]:
        """Of all snapshots."""
        return sorted(path.stem for path in self._directory.glob(f"*{_ENDING}") if path.stem != MAIN)

    def get(self, name: str) -> Kept:
        """The snapshot. Raises Unknown."""
        kept = self._read(name) if name in self.names else None
        if kept is None:
            raise Unknown(f"There is no snapshot {name}: GET /_test/worlds lists them")
        return kept

    @property
    def packs(self) -> Path:
        """Where packs are kept that were sent to the service."""
        return self._directory / "packs"

    @property
    def content(self) -> Iterable[Collection[str]]:
        """The keys of the content that each snapshot names."""
        return [self.get(name).content for name in self.names]

    def put(self, name: str, kept: Kept) -> None:
        """Add or replace."""
        self._directory.mkdir(parents=True, exist_ok=True)
        unfinished = self._directory / f"{name}.part"
        unfinished.write_bytes(msgspec.json.encode(kept))
        unfinished.replace(self._directory / f"{name}{_ENDING}")

    def drop(self, name: str) -> None:
        """Remove it."""
        (self._directory / f"{name}{_ENDING}").unlink(missing_ok=True)

    def main(self) -> Kept | None:
        """What main was when that was kept last."""
        return self._read(MAIN)

    def put_main(self, kept: Kept) -> None:
        """Keep what main is besides its database."""
        self.put(MAIN, kept)

    def _read(self, name: str) -> Kept | None:
        path = self._directory / f"{name}{_ENDING}"
        return msgspec.json.decode(path.read_bytes(), type=Kept) if path.exists() else None
