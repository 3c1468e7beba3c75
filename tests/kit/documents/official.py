"""Compare every reply with the official OpenAPI document, rejections included.

`tests.kit.service.running.Running` calls `check_reply` for each reply of the FHIR edge, in every test. If the document
contradicts itself or our rules, `contradictions.toml` names the case with its reason, and only that check is skipped.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

import httpx
import msgspec

from tests.kit.documents.reference import specification
from tests.kit.documents.replies import Document, Fault

PREFIX: Final = "/referrals/FHIR"
EXTENSION: Final = "/$openers."
"""In the path of an operation that the real service lacks: the document has none, but its templates may match."""
FILE: Final = Path(__file__).with_name("contradictions.toml")


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A check to skip: patterns of method and path, place and message, with the status and the reason."""

    path: str
    status: int
    check: str
    place: str = ""
    message: str = "*"
    reason: str

    def covers(self, fault: Fault) -> bool:
        """Return whether `fault` is this case."""
        return (
            (self.status, self.check) == (fault.status, fault.check)
            and fnmatchcase(fault.path, self.path)
            and fnmatchcase(fault.place, self.place)
            and fnmatchcase(fault.message, self.message)
        )


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Return all cases of the file."""
    tables = tomllib.loads(FILE.read_text("utf-8"))["contradiction"]
    return tuple(msgspec.convert(tables, list[Contradiction]))


@cache
def official() -> Document:
    """Return the official document."""
    return Document(specification(), PREFIX)


def check_reply(request: httpx.Request, response: httpx.Response) -> None:
    """Assert that a reply matches the official document. Its body must be read already."""
    if EXTENSION in request.url.path:
        return
    unlisted = [
        str(fault)
        for fault in official().faults(request, response)
        if not any(each.covers(fault) for each in contradictions())
    ]
    assert not unlisted, "not as the official OpenAPI document says:\n" + "\n".join(unlisted)
