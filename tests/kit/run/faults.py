"""Faults that are planted in a copy of the source, to see whether tests notice them."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Misfit(ValueError):
    """A fault does not fit the source as it is now."""


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change: in `file`, a path in the project, `old` stands once and becomes `new`."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """The file's text with the change. Raises Misfit."""
        count = text.count(self.old)
        if count != 1 or self.old == self.new:
            raise Misfit(f"{self.file}: the text to change occurs {count} times:\n{self.old}")
        return text.replace(self.old, self.new)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault: what it breaks in words, the changes that plant it, and the tests of which one must fail."""

    id: str
    breaks: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def files(self) -> list[str]:
        """The files that it changes, each once."""
        return list(dict.fromkeys(edit.file for edit in self.edits))

    def planted(self, root: Path) -> dict[str, str]:
        """The changed files of the project at `root` and their texts. Raises Misfit."""
        texts = {file: (root / file).read_text("utf-8") for file in self.files}
        for edit in self.edits:
            texts[edit.file] = edit.applied(texts[edit.file])
        return texts
