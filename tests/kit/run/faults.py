"""Faults that are planted in a copy of the source, to check that tests detect them."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Misfit(ValueError):
    """The fault does not match the current source."""


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change to `file`, a path in the project: `old`, which must occur exactly once, becomes `new`."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Return the file's text with the change. Raise Misfit if it does not apply."""
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise Misfit(f"{self.file}: the text to change occurs {count} times:\n{self.old}")
        return text.replace(self.old, self.new)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault: a description, the edits that plant it, and the tests of which at least one must fail."""

    id: str
    breaks: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def files(self) -> list[str]:
        """Return the files that the fault changes, without duplicates."""
        return list(dict.fromkeys(edit.file for edit in self.edits))

    def planted(self, root: Path) -> dict[str, str]:
        """Return the changed files of the project at `root` with their texts.

        Raise Misfit if an edit does not apply.
        """
        texts = {file: (root / file).read_text("utf-8") for file in self.files}
        for edit in self.edits:
            texts[edit.file] = edit.applied(texts[edit.file])
        return texts
