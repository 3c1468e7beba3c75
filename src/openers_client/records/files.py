"""Files that were uploaded or downloaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UploadedFile:
    """A file in the document store. `reference` is what attachments name."""

    id: str
    reference: str


@dataclass(frozen=True)
class Download:
    """A file that was downloaded. `name` is the one that the service gives it; `size` is in bytes."""

    name: str | None
    media_type: str
    size: int
