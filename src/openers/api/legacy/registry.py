"""The operations of the API of 2018: each row of the catalogue with its handler, and what else dispatch needs.

DSTU2 and alpha operations have handlers of their own (`@serves`). Those of STU3 v1 are today's, at another address.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from openers.api.call import Call, Handler
from openers.api.http.reply import Reply
from openers.api.legacy.catalogue import Entry, Generation, entries
from openers.api.operation import Operation, Tag
from openers.api.registry import REGISTRY, Endpoint
from openers.domain.principal import BusinessFunction
from openers.domain.sessions.professional import SessionRules
from openers.wire.dialect import Fhir
from openers.wire.dstu2.dialect import DSTU2
from openers.wire.stu3.dialect import STU3

STU3_V1: Final = "/STU3/v1/"
_TODAY: Final = "/STU3/"
DIALECTS: Final[Mapping[Generation, Fhir]] = {
    Generation.SESSION: DSTU2,
    Generation.DSTU2: DSTU2,
    Generation.ALPHA: DSTU2,
    Generation.STU3_V1: STU3,
}
"""How each generation writes the refusals of FHIR operations; the session API has errors of its own."""


class SessionContext(msgspec.Struct, frozen=True):
    """What a call of the session API needs beside its request: the caller's ASID, its session key, and the rules."""

    asid: str
    key: str
    rules: SessionRules


SessionHandler = Callable[[SessionContext, Call], Awaitable[Reply]]
"""Runs A001, A002 or A003."""


class LegacyOperation(Operation, frozen=True, kw_only=True):
    """An operation of a generation. `most_body_bytes` replaces the limit of the settings, if it is set."""

    entry: Entry
    most_body_bytes: int | None = None

    @property
    def generation(self) -> Generation:
        """The generation of the operation."""
        return self.entry.generation

    @property
    def fhir(self) -> Fhir:
        """The dialect of its refusals."""
        return DIALECTS[self.generation]

    @property
    def resource(self) -> str:
        """The type of record that the audit names; empty for sessions, reference data and searches."""
        return _RESOURCES.get(self.id, "")

    @property
    def key(self) -> str:
        """A name that is unique among generations, such as `DSTU2 A005`."""
        return f"{self.generation} {self.id}"


_RESOURCES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("A008", "A023"), "Worklist"),
    **dict.fromkeys(("A006", "A012", "A020"), "Clinical Attachment"),
    **dict.fromkeys(("A015", "A016", "A022"), "Appointment Request"),
    **dict.fromkeys(("A005", "A007", "A011", "A013", "A014", "A019", "A021", "A028", "A029"), "Referral Request"),
}
LEGACY: Final[list[Endpoint]] = []
"""The operations of DSTU2 and alpha with their handlers."""
SESSIONS: Final[dict[str, SessionHandler]] = {}
"""The handlers of the session API, by number."""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What dispatch needs to know of an operation. `roles` are the effective functions that may call it."""

    roles: frozenset[BusinessFunction]
    audit: str
    success: int = 200
    reads_body: bool = False
    if_match: bool = False
    most_body_bytes: int | None = None


def serves(number: str, generation: Generation, needs: Needs) -> Callable[[Handler], Handler]:
    """Register the decorated handler for a row of the catalogue."""

    def _register(handler: Handler) -> Handler:
        row = _row(number, generation)
        more: dict[str, Any] = msgspec.structs.asdict(needs)
        request = "Parameters" if more.pop("reads_body") else None
        LEGACY.append(Endpoint(_declared(row, handler, {**more, "request": request}), handler))
        return handler

    return _register


def serves_session(number: str, *, audit: str, success: int) -> Callable[[SessionHandler], SessionHandler]:
    """Register the decorated handler of the session API."""

    def _register(handler: SessionHandler) -> SessionHandler:
        async def _run(call: Call) -> Reply:
            raise RuntimeError(f"{call.operation.id} needs the context of a session")

        row = _row(number, Generation.SESSION)
        declared = _declared(row, handler, {"roles": None, "audit": audit, "success": success})
        LEGACY.append(Endpoint(declared, _run))
        SESSIONS[number] = handler
        return handler

    return _register


def facade() -> Iterator[Endpoint]:
    """Return today's operations at their addresses of STU3 v1; an address that differed has both spellings."""
    rows = {each.id: each for each in entries() if each.generation is Generation.STU3_V1}
    for today in REGISTRY:
        row = rows.get(today.operation.id)
        if row is None or not today.operation.path.startswith(_TODAY):
            continue
        moved = f"{STU3_V1}{today.operation.path.removeprefix(_TODAY)}"
        values: dict[str, Any] = {**msgspec.structs.asdict(today.operation), "path": moved, "entry": row}
        declared = LegacyOperation(**values)
        yield Endpoint(declared, today.handler)
        if row.path.lower() == moved.lower() and row.path != moved:
            yield Endpoint(msgspec.structs.replace(declared, path=row.path), today.handler)


def _row(number: str, generation: Generation) -> Entry:
    return next(each for each in entries() if each.id == number and each.generation is generation)


def _declared(row: Entry, handler: Callable[..., Any], more: Mapping[str, Any]) -> LegacyOperation:
    names: dict[str, Any] = {"operation_id": f"{row.generation}-{row.id}".lower(), "name": handler.__name__}
    fixed: dict[str, Any] = {
        "id": row.id,
        "method": row.verb,
        "path": row.path,
        "tags": (Tag.EXTENSIONS,),
        "deprecated": True,
        "applications": frozenset[BusinessFunction](),
        "request": None,
        "response": "",
        "etag": True,
        "acts_for": True,
        "if_match": False,
        "asks_pas": False,
        "changes": False,
        "finds": True,
        "refusal": 422,
        "query": (),
        "headers": (),
        "takes_file": False,
        "produces": "",
        "summary": (handler.__doc__ or "").partition("\n")[0],
        "entry": row,
    }
    return LegacyOperation(**{**fixed, **names, **more})
