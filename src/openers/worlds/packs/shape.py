"""The rough structure of a pack's file, checked before it is completed or merged with its base."""

from __future__ import annotations

import msgspec


class NamedRow(msgspec.Struct, frozen=True):
    """The keys and references of a row."""

    ods: str = ""
    id: str = ""
    nhs_number: str = ""
    client_id: str = ""
    site: str = ""


class Directory(msgspec.Struct, frozen=True):
    """The sections whose rows are completed."""

    organisations: list[NamedRow] = []
    sites: list[NamedRow] = []
    users: list[NamedRow] = []
    services: list[NamedRow] = []
    applications: list[NamedRow] = []
    patients: list[NamedRow] = []
    clinical_terms: list[NamedRow] = []


class Moment(msgspec.Struct, frozen=True):
    """A scene."""

    afterwards: Directory = Directory()


class File(Directory, frozen=True):
    """A whole file."""

    based_on: str | None = None
    without: list[str] = []
    afterwards: Directory = Directory()
