"""Renames everything in a world pack: each id, name and date changes, and the references stay consistent.

The renaming is one-to-one and the same on every run.

A service with canned answers, or with special treatment for the users of an example, fails in the renamed world.
Postcodes stay, because distances depend on them; codes stay too.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any, Final, cast

import msgspec

from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, SnomedCode, UserId
from openers.worlds.packs import Pack
from openers.worlds.packs.people import check_digit

DIGITS: Final = str.maketrans("0123456789", "6379851042")
LETTERS: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "QWERTYUIOPASDFGHJKLZXCVBNM")
NAMES: Final = frozenset({"name", "family_name", "given_name", "location_name", "display", "title", "address"})
KEPT: Final = frozenset({"private_keys", "secrets", "crowd"})
LATER: Final = timedelta(days=-3)


class Renaming:
    """Maps each old id to its new id."""

    def __init__(self, pack: Pack) -> None:
        """Prepare new ids for the patients of `pack`."""
        numbers = (NhsNumber(f"998{each:06d}{digit}") for each in count(1) if (digit := check_digit(f"998{each:06d}")))
        self._patients = dict(zip(sorted(each.nhs_number for each in pack.patients), numbers, strict=False))
        self._of: dict[type[str], Callable[[str], str]] = {
            UserId: lambda text: UserId(text.translate(DIGITS)),
            ServiceId: lambda text: ServiceId(text.translate(DIGITS)),
            OdsCode: lambda text: OdsCode(text.translate(LETTERS).translate(DIGITS)),
            NhsNumber: lambda text: self._patients[NhsNumber(text)],
            SnomedCode: lambda text: text.translate(DIGITS),
        }

    def new(self, kind: type[str], text: str) -> str:
        """Return the new id for the old id `text` of this type, or a new name if the type is not an id."""
        return self._of[kind](text) if kind in self._of else codecs.encode(text, "rot13")

    def pack(self, pack: Pack) -> Pack:
        """Return the same world with other names."""
        terms = tuple(
            msgspec.structs.replace(each, code=self.new(SnomedCode, each.code)) for each in pack.clinical_terms
        )
        return msgspec.structs.replace(cast("Pack", self._renamed(pack)), clinical_terms=terms)

    def _renamed(self, value: Any, field: str = "") -> Any:
        if isinstance(value, msgspec.Struct):
            names = [each for each in value.__struct_fields__ if each not in KEPT]
            return msgspec.structs.replace(value, **{each: self._renamed(getattr(value, each), each) for each in names})
        if isinstance(value, tuple):
            return tuple(self._renamed(each, field) for each in cast("tuple[Any, ...]", value))
        if isinstance(value, frozenset):
            return frozenset(self._renamed(each, field) for each in cast("frozenset[Any]", value))
        if isinstance(value, date):
            return value + LATER
        if isinstance(value, str):
            return self._text(value, field)
        return value

    def _text(self, text: str, field: str) -> str:
        if field in ("workgroup", "workgroups"):
            owner, _, name = text.partition("/")
            return f"{self.new(OdsCode, owner)}/{self.new(str, name)}"
        if type(text) in self._of or (type(text) is str and field in NAMES):
            return self.new(type(text), text)
        return text
