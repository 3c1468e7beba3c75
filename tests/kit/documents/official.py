"""Holds every reply against the official OpenAPI document, refusals included.

`check_reply` is called by `tests.kit.service.running.Running` for each reply of the FHIR edge, in whatever test. Where
the document contradicts itself, or the rules that we follow, `contradictions.toml` names the case and its reason, and
just that check is left out.
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
FILE: Final = Path(__file__).with_name("contradictions.toml")


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A check that is left out: patterns of method and path, of the place and of the message, a status, and why."""

    path: str
    status: int
    check: str
    place: str = ""
    message: str = "*"
    reason: str

    def covers(self, fault: Fault) -> bool:
        """Whether `fault` is this case."""
        return (
            (self.status, self.check) == (fault.status, fault.check)
            and fnmatchcase(fault.path, self.path)
            and fnmatchcase(fault.place, self.place)
            and fnmatchcase(fault.message, self.message)
        )


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """All cases of the file."""
    tables = tomllib.loads(FILE.read_text("utf-8"))["contradiction"]
    return tuple(msgspec.convert(tables, list[Contradiction]))


@cache
def official() -> Document:
    """The official document."""
    return Document(specification(), PREFIX)


def check_reply(request: httpx.Request, response: httpx.Response) -> None:
    """Assert that a reply, read already, is as the official document says."""
    unlisted = [
        str(fault)
        for fault in official().faults(request, response)
        if not any(each.covers(fault) for each in contradictions())
    ]
    assert not unlisted, "not as the official OpenAPI document says:\n" + "\n".join(unlisted)
