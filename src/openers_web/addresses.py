"""Addresses that come from outside: where to return to after log-in, and marks of places in lists."""

from __future__ import annotations

import base64
import re
from typing import Final, TypeVar

import msgspec

LONGEST: Final = 2000
_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)
"""One slash, no second one and no backslash after it, then visible ASCII without backslashes."""

Place = TypeVar("Place")


class BadCursor(Exception):
    """The mark of a place in a list was not made by us."""


def own_path(text: str, otherwise: str = "/") -> str:
    """Return a path of this application, or `otherwise` if the text could lead to another host."""
    return text if len(text) <= LONGEST and _PATH.fullmatch(text) else otherwise


def write_cursor(place: object) -> str:
    """Return a mark for a place in a list, for the address of the next page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read_cursor(text: str, kind: type[Place]) -> Place:
    """Return the place that a mark stands for. Raises BadCursor."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        return msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=kind)
    except (ValueError, RecursionError) as error:
        raise BadCursor("This address is not complete. Begin at the first page of the list.") from error
