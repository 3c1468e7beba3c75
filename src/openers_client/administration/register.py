"""A register of the administration API: read, create, replace and end records, each with its version."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Generic, TypeVar
from uuid import uuid4

import msgspec

from openers_client.administration.drafts import PutMany
from openers_client.errors import InvalidRequest, UnreadableReply
from openers_client.fhir import Json, Resource, items
from openers_client.operations.base import Call, Calling, Operations, path
from openers_client.transport import Reply

T = TypeVar("T")
V = TypeVar("V")
JSON: Final = "application/json"
PAGE: Final = 100
VERSION_NEEDED: Final = "VERSION_NEEDED"


@dataclass(frozen=True)
class Registered(Generic[T]):
    """A record with its key and version. `change` is created, replaced or unchanged; empty if it was only read.

    `resource` is the record as the service sent it, with values that this client does not know.
    """

    key: str
    version: int
    value: T
    change: str = ""
    resource: Resource = field(default_factory=dict[str, Any], repr=False)


class AdminCalls(Operations):
    """Sends calls below `/admin/v1`."""

    @property
    def _root(self) -> str:
        return f"{self._calling.base_url}/admin/v1"

    async def send(self, call: Call) -> Reply:
        """Return a successful reply. Raises ErsError."""
        return await self._reply(call)


def call_of(method: str, where: str, **more: Any) -> Call:
    """Return a call of the administration API."""
    return Call(number="", method=method, path=where, acts_for=False, accept=JSON, **more)


class Register(Generic[T]):
    """The records of one kind. Each method raises `ErsError`: `VersionConflict` if another caller changed the record.

    Each change has an idempotency key, so the client repeats it if the reply is lost. With `dry_run` the service checks
    everything and changes nothing.
    """

    def __init__(self, calling: Calling, name: str, of: type[T], key: Callable[[T], str]) -> None:
        """`name` is that in the address, `of` the type of the records, and `key` returns the key of one."""
        self._calls: Final = AdminCalls(calling)
        self._name, self._of, self._key = name, of, key

    async def read(self, key: str) -> Registered[T]:
        """Read a record."""
        reply = await self._calls.send(call_of("GET", self._at(key), reads=True))
        return self._registered(key, reply)

    async def all(self, organisation: str | None = None, page_size: int = PAGE) -> AsyncIterator[Registered[T]]:
        """Yield all records in the order of their keys, page after page; or only those of an organisation."""
        cursor: str | None = None
        while True:
            found, cursor = await self.page(cursor, organisation, page_size)
            for each in found:
                yield each
            if cursor is None:
                return

    async def page(
        self, cursor: str | None = None, organisation: str | None = None, page_size: int = PAGE
    ) -> tuple[tuple[Registered[T], ...], str | None]:
        """Return one page of the list, and the cursor of the next one, if any."""
        asked = (("limit", str(page_size)), ("organisation", organisation), ("cursor", cursor))
        query = [(name, value) for name, value in asked if value is not None]
        page = (await self._calls.send(call_of("GET", f"/{self._name}", reads=True, query=query))).json()
        return tuple(self._listed(item) for item in items(page, "items")), page.get("next")

    def _listed(self, item: Json) -> Registered[T]:
        value: Json = item["value"]
        return Registered(str(item["key"]), int(item["version"]), read_as(value, self._of), resource=value)

    async def create(self, value: T, *, dry_run: bool = False) -> Registered[T]:
        """Create a record. An equal record stays as it is; any other one with this key is a `VersionConflict`."""
        return await self._put(value, written(value), {"If-None-Match": "*"}, dry_run=dry_run)

    async def replace(self, before: Registered[T], value: T, *, dry_run: bool = False) -> Registered[T]:
        """Replace the version `before` of a record; what this client does not know of it stays."""
        body = {**before.resource, **written(value)}
        return await self._put(value, body, if_match(before), dry_run=dry_run)

    async def put(self, value: T, *, dry_run: bool = False) -> Registered[T]:
        """Create a record, or replace whatever version there is."""
        try:
            return await self._put(value, written(value), {}, dry_run=dry_run)
        except InvalidRequest as error:
            if error.code != VERSION_NEEDED:
                raise
        return await self._put(value, written(value), {"If-Match": "*"}, dry_run=dry_run)

    async def put_many(self, values: Sequence[T], *, dry_run: bool = False) -> PutMany:
        """Create or replace up to 250 records in one act, whatever their versions. A refused one stops no other.

        Records may name others of the same request, in any order. If the reply is lost, this raises OutcomeUnknown:
        send the records again, since equal ones change nothing.
        """
        body = {"records": [written(each) for each in values]}
        query = [("dry_run", "true")] if dry_run else []
        where = f"/{self._name}/$batch"
        sent = call_of("POST", where, headers={"Content-Type": JSON}, query=query, body=body)
        return read_as((await self._calls.send(sent)).json(), PutMany)

    async def _put(self, value: T, body: Json, headers: Mapping[str, str], *, dry_run: bool) -> Registered[T]:
        key = self._key(value)
        sent = {**headers, "Content-Type": JSON}
        return await self._change(key, call_of("PUT", self._at(key), headers=sent, body=body), dry_run=dry_run)

    async def _change(self, key: str, call: Call, *, dry_run: bool) -> Registered[T]:
        """Make a change that may be sent twice."""
        once = {} if dry_run else {"Idempotency-Key": str(uuid4())}
        query = [*call.query, ("dry_run", "true")] if dry_run else call.query
        changed = dataclasses.replace(call, headers={**call.headers, **once}, query=query, reads=True)
        return self._registered(key, await self._calls.send(changed))

    def _registered(self, key: str, reply: Reply) -> Registered[T]:
        """Return the record in a reply. Raises UnreadableReply."""
        version = reply.headers.get("etag", "").strip('"')
        change = reply.headers.get("x-openers-change", "")
        resource = reply.json()
        return Registered(key, int(version) if version.isdigit() else 0, read_as(resource, self._of), change, resource)

    def _at(self, key: str) -> str:
        return path(f"/{self._name}/{{}}", key)


class EndingRegister(Register[T]):
    """The records of a kind that ends: nothing is deleted."""

    async def end(self, before: Registered[T], on: date | None = None, *, dry_run: bool = False) -> Registered[T]:
        """End the version `before` of a record, on a day if it ends on one, otherwise today."""
        query = [] if on is None else [("on", on.isoformat())]
        call = call_of("DELETE", self._at(before.key), headers=if_match(before), query=query)
        return await self._change(before.key, call, dry_run=dry_run)


def if_match(before: Registered[Any]) -> dict[str, str]:
    """Return the header that names the version of a record."""
    return {"If-Match": f'"{before.version}"'}


def written(value: Any) -> Json:
    """Return a record as JSON, with the values that have their default."""
    made: Json = msgspec.to_builtins(dataclasses.asdict(value))
    return made


def read_as(resource: Resource, of: type[V]) -> V:
    """Return the record in JSON; values that the client does not know are left out. Raises UnreadableReply."""
    try:
        return msgspec.convert(resource, of)
    except msgspec.ValidationError as error:
        raise UnreadableReply(f"the service returned a {of.__name__} that this client cannot read: {error}") from error
