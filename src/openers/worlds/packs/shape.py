"""The rough shape of a pack's file, which is checked before anything in it is completed or joined with a base."""

from __future__ import annotations

import msgspec


class NamedRow(msgspec.Struct, frozen=True):
    """What a row may be known by, or refers to."""

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
