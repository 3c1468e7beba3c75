"""Documents that partners sign, from `content/documents.toml`, and their signatures.

They are short texts of our own, not papers of the NHS. Source: rules part 2, chapters 3.3 and 5.8.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

DATA: Final = files("openers_portal").joinpath("content/documents.toml")


class Section(msgspec.Struct, frozen=True):
    """A part of a document."""

    heading: str
    text: str


class Document(msgspec.Struct, frozen=True):
    """One version of a document."""

    id: str
    title: str
    version: str
    purpose: str
    sections: tuple[Section, ...]

    @property
    def sha256(self) -> str:
        """Return the digest of the whole text, hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed a version of a document for a partner, when, in which role, and the digest of its text."""

    document: str
    version: str
    sha256: str
    name: str
    subject: str
    role: str
    at: datetime


class _File(msgspec.Struct, frozen=True):
    documents: tuple[Document, ...]


@cache
def documents() -> Sequence[Document]:
    """Return all documents in all versions; of each one the latest version comes last."""
    return msgspec.convert(tomllib.loads(DATA.read_text("utf-8")), _File).documents


def latest() -> Sequence[Document]:
    """Return the latest version of each document."""
    return list({each.id: each for each in documents()}.values())


def document(id: str, version: str = "") -> Document | None:
    """Return a version of a document, without `version` the latest one."""
    found = [each for each in documents() if each.id == id and version in ("", each.version)]
    return found[-1] if found else None
