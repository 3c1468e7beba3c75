"""Handle the calls of the administration: list, read, put and end records; register and remove webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec
from starlette.requests import Request as HttpRequest

from openers.api.admin.dialect import refused_body, refused_record
from openers.api.admin.gate import administrator_of
from openers.api.admin.reading import (
    JSON,
    check_media,
    cursor_of,
    day_of,
    expected_version,
    is_rehearsal,
    once_of,
    parameters_of,
    window_of,
)
from openers.api.gateway import Gateway
from openers.api.http.reply import Header, Reply
from openers.api.interaction import ActiveCall
from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Resource
from openers.domain.errors import Unavailable
from openers.usecases.administration.kinds import KINDS
from openers.usecases.administration.many import MOST_AT_ONCE, Refusal, put_all
from openers.usecases.administration.organisations import refresh_organisation
from openers.usecases.administration.records import (
    EndRecord,
    How,
    PutRecord,
    end_record,
    list_records,
    plain,
    put_record,
    read_record,
)
from openers.usecases.administration.refusals import AdministrationRefused, Unfit
from openers.usecases.administration.repeats import Change, Outcome
from openers.usecases.administration.webhooks import register_webhook, remove_webhook
from openers.usecases.dated_reference import follow_code_sets
from openers.usecases.events.webhooks import Registration
from openers.wire.admin.translating import RECORDS, UnreadableRecord, read_registration, shown
from openers.wire.admin.translating import read_record as record_in

PREFIX: Final = "/admin/v1"
BATCH: Final = "/$batch"
"""Below a resource: many records in one request. No key contains a dollar sign."""
_JSON: Final[Header] = (b"content-type", JSON.encode())
LISTING: Final = frozenset({"limit", "cursor", "organisation"})
_SEARCHED: Final = frozenset({Resource.SERVICES, Resource.COMMISSIONING_RULES})
"""Resources that decide what a search finds."""
READ_AT_ONCE: Final = 20_000
"""Bytes of records that are read without a pause in which other calls run."""
CHANGING: Final = frozenset({"dry_run"})
ENDING: Final = frozenset({"dry_run", "on"})
NOTHING: Final[frozenset[str]] = frozenset()


class Records(msgspec.Struct, forbid_unknown_fields=True):
    """Several records of one resource."""

    records: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Handlers(msgspec.Struct, frozen=True):
    """The handlers of one resource."""

    resource: Resource
    gateway: Gateway

    async def list(self, call: ActiveCall) -> Reply:
        """Return a page of the list, with the cursor of the next one."""
        by = await self._caller(call)
        window = window_of(self.resource, parameters_of(call.request, LISTING))
        more = msgspec.structs.replace(window, most=window.most + 1)
        found = await list_records(self.resource, more, by, call.world)
        page = found[: window.most]
        following = cursor_of(page[-1].key) if len(found) > len(page) else None
        items = [{"key": each.key, "version": each.version, "value": self._shown(each.value)} for each in page]
        return json_reply(200, {"items": items, "next": following})

    async def read(self, call: ActiveCall) -> Reply:
        """Return one record."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        found = await read_record(self.resource, key_in(call), by, call.world)
        return json_reply(200, self._shown(found.value), etag_of(found.version))

    async def put(self, call: ActiveCall) -> Reply:
        """Create or replace one record."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        how, body = await self._how(call, http, by, CHANGING)
        value = self._value(body)
        kind = KINDS[self.resource]
        if kind.key(value) != key_in(call):
            cure = f"send it to {PREFIX}/{self.resource}/{kind.key(value)}, or correct the key in the body"
            raise Unfit("the record has another key than the address", "body", cure)
        command = PutRecord(resource=self.resource, value=value, expected=expected_version(call.request))
        change = await put_record(command, by, call.world, how)
        return await self._changed(call, change, how)

    async def end(self, call: ActiveCall) -> Reply:
        """End one record."""
        http = call.http()
        by = await self._caller(call)
        known = ENDING if KINDS[self.resource].ends_on_a_day else CHANGING
        how, _ = await self._how(call, http, by, known)
        command = EndRecord(
            resource=self.resource,
            key=key_in(call),
            expected=expected_version(call.request),
            on=day_of(parameters_of(call.request, known)),
        )
        return await self._changed(call, await end_record(command, by, call.world, how), how)

    async def refresh(self, call: ActiveCall) -> Reply:
        """Refresh one organisation from ODS."""
        http = call.http()
        by = await self._caller(call)
        how, _ = await self._how(call, http, by, CHANGING)
        return await self._changed(call, await refresh_organisation(key_in(call), by, call.world, how), how)

    async def put_all(self, call: ActiveCall) -> Reply:
        """Create or replace several records in one act, of any versions. A refused one stops no other."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        rehearsal = is_rehearsal(parameters_of(call.request, CHANGING))
        sent = self._records(await http.body())
        values, refused, unpaused = list[tuple[int, Any]](), list[Refusal](), 0
        for index, each in enumerate(sent):
            body = bytes(each)
            try:
                values.append((index, self._value(body)))
            except AdministrationRefused as error:
                refused.append(Refusal(index, error))
            unpaused += len(body)
            if unpaused > READ_AT_ONCE:
                await asyncio.sleep(0)
                unpaused = 0
        call.entry.outcome = 200
        await asyncio.sleep(0)
        done = await put_all(self.resource, values, by, call.world, rehearsal=rehearsal)
        call.recorded = not rehearsal
        if not rehearsal:
            await self._follow(call, {*done.created, *done.replaced})
        told = [refused_record(*each) for each in sorted([*refused, *done.refused], key=lambda each: each.at)]
        counts = {"created": len(done.created), "replaced": len(done.replaced), "unchanged": done.unchanged}
        return json_reply(200, {**counts, "refused": told})

    async def register(self, call: ActiveCall) -> Reply:
        """Register a webhook; the reply is the only one that shows its secret."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        parameters_of(call.request, NOTHING)
        try:
            wanted = read_registration(await http.body(), Registration)
        except UnreadableRecord as error:
            raise refused_body(error, Registration.__name__) from error
        call.entry.outcome = 201
        webhook = await register_webhook(wanted, by, call.world)
        call.recorded = True
        where = f"{call.world.root}{PREFIX}/{self.resource}/{webhook.id}"
        return json_reply(201, plain(webhook), etag_of(1), (b"location", where.encode()))

    async def remove(self, call: ActiveCall) -> Reply:
        """Remove a webhook."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        call.entry.outcome = 204
        await remove_webhook(key_in(call), by, call.world)
        call.recorded = True
        return Reply(204, b"")

    async def _caller(self, call: ActiveCall, *, has_body: bool = False) -> Administrator:
        by = await administrator_of(call.request, self.gateway, call.world)
        check_media(call.request, has_body=has_body)
        return by

    async def _how(
        self, call: ActiveCall, http: HttpRequest, by: Administrator, known: frozenset[str]
    ) -> tuple[How, bytes]:
        """Return how the change is made, and the body."""

        def _note(change: Change) -> None:
            call.entry.outcome = _status(change)

        rehearsal, body = is_rehearsal(parameters_of(call.request, known)), await http.body()
        return How(once=once_of(call.request, by, body), rehearsal=rehearsal, noted=_note), body

    def _records(self, body: bytes) -> Sequence[msgspec.Raw]:
        """Return the records in a body, unread."""
        try:
            return read_registration(body, Records).records
        except UnreadableRecord as error:
            raise refused_body(error, f"put-all-{self.resource}") from error

    def _value(self, body: bytes) -> Any:
        try:
            return record_in(self.resource, body, KINDS[self.resource].of)
        except UnreadableRecord as error:
            raise refused_body(error, RECORDS[self.resource].__name__) from error

    async def _changed(self, call: ActiveCall, change: Change, how: How, below: str = "") -> Reply:
        """Bring this process up to date, and return the reply to a change; `below` ends the address of a new record."""
        told: tuple[Header, ...] = ((b"x-openers-change", change.outcome.encode()),)
        if how.rehearsal:
            return json_reply(200, shown(self.resource, change.value), *told)
        call.recorded = True
        is_changed = change.outcome is not Outcome.UNCHANGED and not change.repeated
        if is_changed or self.resource in _SEARCHED:
            await self._follow(call, {change.key})
        if change.is_new:
            told += ((b"location", f"{call.world.root}{PREFIX}/{self.resource}/{change.key}{below}".encode()),)
        if change.repeated:
            told += ((b"idempotency-replayed", b"true"),)
        if change.outcome is not Outcome.REMOVED:
            told += (etag_of(change.version),)
        return json_reply(_status(change), shown(self.resource, change.value), *told)

    async def _follow(self, call: ActiveCall, keys: set[str]) -> None:
        """Drop what this process remembers of changed records: later requests see the change."""
        world, none = call.world, set[str]()
        people = keys if self.resource is Resource.PEOPLE else none
        applications = keys if self.resource is Resource.APPLICATIONS else none
        if people or applications:
            self.gateway.access.forget_holders(world.name, people, applications)
        with suppress(Unavailable):  # the change is stored, and this process follows it by itself soon
            if keys and self.resource is Resource.CODE_SETS:
                await follow_code_sets(world.reference, world.store)
            if keys and self.resource in _SEARCHED:
                async with world.read() as tx:
                    await world.listings.follow(tx, world.store.generation)

    def _shown(self, value: Any) -> dict[str, Any]:
        return shown(self.resource, plain(value))


def key_in(call: ActiveCall) -> str:
    """Return the key in the address."""
    return str(call.request.scope["path_params"]["key"])


def _status(change: Change) -> int:
    return 201 if change.is_new else 200


def etag_of(version: int) -> Header:
    """Return the header with the version of a record."""
    return (b"etag", b'"%d"' % version)


def json_reply(status: int, value: Any, *headers: Header) -> Reply:
    """Return a reply with JSON."""
    return Reply(status, msgspec.json.encode(value), (_JSON, *headers))
