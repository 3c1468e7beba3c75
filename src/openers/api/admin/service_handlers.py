"""Handle the calls by which services are defined: drafts, publishing, versions, polls and visibility."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from openers.api.admin.dialect import refused_body, shown_finding
from openers.api.admin.handlers import CHANGING, LISTING, NOTHING, Handlers, etag_of, json_reply, key_in
from openers.api.admin.reading import cursor_of, expected_version, parameters_of, window_of
from openers.api.http.reply import Reply
from openers.api.interaction import ActiveCall
from openers.domain.identifiers import ServiceId
from openers.domain.services.draft import UNNUMBERED, ServiceDraft
from openers.usecases.administration.records import plain
from openers.usecases.administration.refusals import Malformed, NoSuchRecord
from openers.usecases.services import drafts, publish, versions
from openers.usecases.services.clinic_types import clinic_types
from openers.usecases.services.polling import poll_for_definer
from openers.usecases.services.visibility import explain_service
from openers.wire.admin.drafts import Copy, DraftRecord, LastDay
from openers.wire.admin.translating import UnreadableRecord, read_draft, read_registration
from openers.wire.admin.visibility import PARAMETERS, read_question, write_told

T = TypeVar("T")

BETWEEN: Final = frozenset({"from", "to"})
_DRAFT: Final = "draft"


class ServiceHandlers(Handlers, frozen=True):
    """The handlers of `/admin/v1/services` beside those of every resource."""

    async def create(self, call: ActiveCall) -> Reply:
        """Save a new draft."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        how, body = await self._how(call, http, by, CHANGING)
        change = await drafts.create_draft(_draft(body, UNNUMBERED), by, call.world, how)
        return await self._changed(call, change, how, "/draft")

    async def list_drafts(self, call: ActiveCall) -> Reply:
        """Return a page of the list of drafts."""
        by = await self._caller(call)
        window = window_of(self.resource, parameters_of(call.request, LISTING))
        more = msgspec.structs.replace(window, most=window.most + 1)
        found = await drafts.list_drafts(more, by, call.world)
        page = found[: window.most]
        items = [{"key": each.key, "version": each.version, "value": plain(each.value)} for each in page]
        following = cursor_of(page[-1].key) if len(found) > len(page) else None
        return json_reply(200, {"items": items, "next": following})

    async def clinic_types(self, call: ActiveCall) -> Reply:
        """Return the pairs of specialty and clinic type that a service can have today."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        return json_reply(200, {"clinic_types": clinic_types(by, call.world)})

    async def read_draft(self, call: ActiveCall) -> Reply:
        """Return the draft; without an ETag if it was not saved, and follows from the live service."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        found = await drafts.read_draft(service_in(call), by, call.world)
        return json_reply(200, plain(found.draft), *((etag_of(found.version),) if found.version else ()))

    async def put_draft(self, call: ActiveCall) -> Reply:
        """Replace the draft as a whole."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        how, body = await self._how(call, http, by, CHANGING)
        draft, expected = _draft(body, service_in(call)), expected_version(call.request)
        change = await drafts.put_draft(draft, expected, by, call.world, how)
        return await self._changed(call, change, how, "/draft")

    async def discard(self, call: ActiveCall) -> Reply:
        """Discard the draft."""
        http = call.http()
        by = await self._caller(call)
        how, _ = await self._how(call, http, by, CHANGING)
        change = await drafts.discard_draft(service_in(call), by, call.world, how)
        return await self._changed(call, change, how)

    async def check(self, call: ActiveCall) -> Reply:
        """Return what the checks of publishing find in the draft."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        found = await drafts.check_service(service_in(call), by, call.world)
        is_ready = all(each.is_warning for each in found)
        return json_reply(200, {"publishable": is_ready, "findings": [shown_finding(each) for each in found]})

    async def publish(self, call: ActiveCall) -> Reply:
        """Make the draft the live service."""
        http = call.http()
        by = await self._caller(call)
        how, _ = await self._how(call, http, by, CHANGING)
        expected = expected_version(call.request)
        change = await publish.publish_service(service_in(call), expected, by, call.world, how)
        return await self._changed(call, change, how)

    async def unpublish(self, call: ActiveCall) -> Reply:
        """Hide the service."""
        http = call.http()
        by = await self._caller(call)
        how, _ = await self._how(call, http, by, CHANGING)
        change = await publish.unpublish_service(service_in(call), by, call.world, how)
        return await self._changed(call, change, how)

    async def end_on(self, call: ActiveCall) -> Reply:
        """Set the last day of the service."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        how, body = await self._how(call, http, by, CHANGING)
        change = await publish.end_service(service_in(call), _body(body, LastDay).on, by, call.world, how)
        return await self._changed(call, change, how)

    async def copy(self, call: ActiveCall) -> Reply:
        """Save a copy as a new draft."""
        http = call.http()
        by = await self._caller(call, has_body=True)
        how, body = await self._how(call, http, by, CHANGING)
        change = await drafts.copy_service(service_in(call), _body(body, Copy).name, by, call.world, how)
        return await self._changed(call, change, how, "/draft")

    async def versions(self, call: ActiveCall) -> Reply:
        """Return the numbers of the live versions, the last one first."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        last = await versions.last_version(service_in(call), by, call.world)
        return json_reply(200, {"versions": list(range(last, 0, -1))})

    async def version(self, call: ActiveCall) -> Reply:
        """Return the live service as it was in a version."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        number = _version(str(call.request.scope["path_params"]["version"]), "path")
        found = await versions.read_version(service_in(call), number, by, call.world)
        return json_reply(200, plain(found), etag_of(number))

    async def difference(self, call: ActiveCall) -> Reply:
        """Return what differs between two versions, by default the live one and the draft."""
        by = await self._caller(call)
        asked = parameters_of(call.request, BETWEEN)
        service, world = service_in(call), call.world
        one = asked.get("from") or str(await versions.last_version(service, by, world) or _DRAFT)
        between = (_version(one, "from"), _version(asked.get("to", _DRAFT), "to"))
        found = await versions.difference(service, between, by, world)
        told = [{"place": each.place, "from": each.sent, "to": each.stored} for each in found]
        return json_reply(200, {"difference": told})

    async def visibility(self, call: ActiveCall) -> Reply:
        """Return why the service and its slots are shown to a referrer, or not."""
        by = await self._caller(call)
        asked = parameters_of(call.request, frozenset(PARAMETERS))
        try:
            question = read_question(asked)
        except ValueError as error:
            place, _, cause = str(error).partition(": ")
            raise Malformed(cause, place, PARAMETERS[place]) from error
        return json_reply(200, write_told(await explain_service(service_in(call), question, by, call.world)))

    async def poll(self, call: ActiveCall) -> Reply:
        """Poll the PAS of the service now."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        call.entry.outcome = 200
        changed = await poll_for_definer(service_in(call), by, call.world)
        call.recorded = bool(call.entry.act)  # without an act, the link has ended in the meantime
        return json_reply(200, {"changed": changed})


def service_in(call: ActiveCall) -> ServiceId:
    """Return the number in the address. Raises NoSuchRecord."""
    key = key_in(call)
    if not ServiceId.pattern.fullmatch(key):
        cure = "look for its number in the lists of services and drafts"
        raise NoSuchRecord(f"{key[:20]} is not the number of a service", "path", cure)
    return ServiceId(key)


def _version(text: str, place: str) -> int:
    """Return the number of a version; that of the draft for its name. Raises Malformed."""
    if text == _DRAFT:
        return versions.DRAFT
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise Malformed("the version is not a number", place, f"send a number from 1, or {_DRAFT}")
    return int(text)


def _draft(body: bytes, service: ServiceId) -> ServiceDraft:
    try:
        return read_draft(body, service)
    except UnreadableRecord as error:
        raise refused_body(error, DraftRecord.__name__) from error


def _body(body: bytes, of: type[T]) -> T:
    try:
        return read_registration(body, of)
    except UnreadableRecord as error:
        raise refused_body(error, of.__name__) from error


def routes_below(handlers: ServiceHandlers) -> dict[str, dict[str, Any]]:
    """Return the handlers by path below `/admin/v1/services` and method."""
    return {
        "": {"GET": handlers.list, "POST": handlers.create},
        "/drafts": {"GET": handlers.list_drafts},
        "/clinic-types": {"GET": handlers.clinic_types},
        "/{key}": {"GET": handlers.read, "PUT": handlers.put, "DELETE": handlers.end},
        "/{key}/draft": {"GET": handlers.read_draft, "PUT": handlers.put_draft, "DELETE": handlers.discard},
        "/{key}/checks": {"GET": handlers.check},
        "/{key}/publish": {"POST": handlers.publish},
        "/{key}/unpublish": {"POST": handlers.unpublish},
        "/{key}/end-date": {"POST": handlers.end_on},
        "/{key}/copy": {"POST": handlers.copy},
        "/{key}/versions": {"GET": handlers.versions},
        "/{key}/versions/{version}": {"GET": handlers.version},
        "/{key}/difference": {"GET": handlers.difference},
        "/{key}/poll": {"POST": handlers.poll},
        "/{key}/visibility": {"GET": handlers.visibility},
    }
