"""One call of an operation: the parsed request that a handler receives, and the replies that it can return."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from openers.api.http.media import accepts
from openers.api.http.reply import Header, Reply
from openers.api.http.request import Incoming, Stop
from openers.api.operation import Operation
from openers.api.renderings import ResponseCache, Writer
from openers.domain.directory import User
from openers.domain.errors import Field, InvalidValue, MissingParameter, NotFound
from openers.domain.identifiers import AppointmentId, FileId, Identifier, ServiceId, Ubrn, VersionNumber
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.files.signed_addresses import SignedAddresses
from openers.settings import Settings
from openers.usecases.paper.printing import Printout
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.json import Json
from openers.wire.labels import LABELS
from openers.wire.r4.bundles import Searchset
from openers.wire.stu3.acts.requests import Which

T = TypeVar("T")
K = TypeVar("K", bound=Identifier)

_ENTITY_TAG: Final = re.compile(r'W/"([0-9]{1,9})"', re.ASCII)
NO_CACHE: Final[Header] = (b"cache-control", b"no-cache")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call: its caller, operation, parameters and world.

    `principal` is absent only where an operation has no roles; `user` is absent for applications. `body` is the parsed
    JSON of operations with a JSON body. `incoming` is the raw body of operations that receive a file. `based_at` is the
    base of links, if it is not the FHIR base of the world.
    """

    operation: Operation
    world: World
    settings: Settings
    renderings: ResponseCache
    addresses: SignedAddresses
    path: dict[str, str]
    query_string: bytes
    headers: dict[bytes, bytes]
    body: Json
    incoming: Incoming
    caller: Principal | None
    user: User | None
    based_at: str = ""

    @property
    def principal(self) -> Principal:
        """Return the caller in one role. Raises RuntimeError if the operation has no roles."""
        if self.caller is None:
            raise RuntimeError(f"{self.operation.id} has no roles, so it has no principal")
        return self.caller

    @property
    def person(self) -> User:
        """Return the user who is logged in. Raises Stop for application-restricted callers, which have no user."""
        if self.user is None:
            raise Stop(problems.wrong_function())
        return self.user

    @property
    def ubrn(self) -> Ubrn:
        """Return the UBRN in the path. Raises Stop."""
        return self._from_path("ubrn", Ubrn)

    @property
    def version(self) -> int:
        """Return the version in the path. Raises Stop."""
        return int(self._from_path("version", VersionNumber))

    @property
    def appointment_id(self) -> AppointmentId:
        """Return the appointment id in the path. Raises NotFound, also for an invalid id."""
        try:
            return AppointmentId(self.path["id"])
        except ValueError as error:
            raise NotFound(Field.APPOINTMENT, self.path["id"]) from error

    @property
    def file_id(self) -> FileId:
        """Return the file id in the path. Raises NotFound, also for an invalid id."""
        try:
            return FileId(self.path["id"])
        except ValueError as error:
            raise NotFound(Field.FILE, self.path["id"]) from error

    @property
    def if_match(self) -> int:
        """Return the version that the caller has read. Raises Stop for a missing or malformed entity tag."""
        text = self.header("If-Match")
        if not text:
            raise Stop(problems.missing_precondition())
        matched = _ENTITY_TAG.fullmatch(text)
        if matched is None:
            raise Stop(problems.bad_header("If-Match", text, 'must be like W/"5"'))
        return int(matched[1])

    @property
    def which(self) -> Which:
        """Return the referral in the path, the version that the caller has read, and the caller. Raises Stop."""
        return {"by": self.principal, "ubrn": self.ubrn, "version": self.if_match}

    @property
    def service_id(self) -> ServiceId:
        """Return the service id in the path. Raises NotFound, also for an invalid id (A033 has no 400)."""
        try:
            return ServiceId(self.path["id"])
        except ValueError as error:
            raise NotFound(Field.SERVICE, self.path["id"]) from error

    def _from_path(self, name: str, kind: type[K]) -> K:
        try:
            return kind(self.path[name])
        except ValueError as error:
            raise Stop(problems.bad_header(name, self.path[name], f"must be {kind.shape}")) from error

    @property
    def base(self) -> str:
        """Return the base URL of the FHIR resources to which replies link."""
        return self.based_at or self.world.fhir_base_url

    @property
    def query(self) -> list[tuple[str, str]]:
        """Return the decoded query parameters in order, including empty ones."""
        return parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)

    def values_of(self, name: str) -> Sequence[str]:
        """Return all values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def one_value(self, field: Field) -> str:
        """Return the one value of a query parameter. Raises MissingParameter, InvalidValue."""
        values = self.values_of(LABELS[field])
        if not values or not values[0]:
            raise MissingParameter(field)
        if len(values) > 1:
            raise InvalidValue(field, len(values), "must be given once")
        return values[0]

    def header(self, name: str) -> str:
        """Return a header's value without surrounding space; empty if the header is absent."""
        return self.headers.get(name.lower().encode(), b"").decode("latin-1").strip()

    def check_accepts(self, media_type: str) -> None:
        """Raise Stop unless the caller accepts this media type."""
        if not accepts(self.header("Accept"), media_type):
            raise Stop(problems.not_acceptable(media_type))

    def searchset(self) -> Searchset:
        """Return the id, time and self link of the search result that this call returns."""
        query = self.query_string.decode("latin-1")
        return Searchset(self.world.ids.uuid(), self.world.clock.now(), self.base, query)

    def reply(self, stored: Stored[T], writer: Writer[T]) -> Reply:
        """Return the record rendered by `writer`, with its version as ETag where the operation has one."""
        body = self.renderings.of(self.world, stored, writer, self.base)
        headers = ((b"etag", etag(stored.version)),) if self.operation.etag else ()
        return Reply(self.operation.success, body, headers)

    def appointment_reply(self, stored: Stored[Referral], writer: Writer[Referral]) -> Reply:
        """Return the appointment of a referral. Its ETag is the appointment's own version (rules 3.2)."""
        appointment = stored.value.appointment
        body = self.renderings.of(self.world, stored, writer, self.base)
        return Reply(self.operation.success, body, ((b"etag", etag(appointment.version if appointment else 0)),))

    def printout(self, made: Printout) -> Reply:
        """Return a PDF document as an attachment with its file name."""
        named = b'attachment; filename="%s"' % made.name.encode()
        return Reply(
            self.operation.success,
            made.pdf,
            ((b"content-type", self.operation.produces.encode()), (b"content-disposition", named)),
        )

    def plain(self, body: bytes, *headers: Header) -> Reply:
        """Return a body that is not a stored record."""
        return Reply(self.operation.success, body, headers)


Handler = Callable[[Call], Awaitable[Reply]]
"""Runs an operation for a call. Raises the errors of the domain, and Stop."""


def etag(version: int) -> bytes:
    """Return a version as a weak entity tag."""
    return b'W/"%d"' % version
