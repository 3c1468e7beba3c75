"""The register of services, with the calls by which a service is defined: drafts, publishing, versions, visibility."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final, TypeVar
from uuid import uuid4

from openers_client.administration.defining import (
    Change,
    Checked,
    ClinicType,
    Referrer,
    ServiceDraft,
    Visibility,
    differences,
)
from openers_client.administration.records import Service
from openers_client.administration.registers import (
    JSON,
    PAGE,
    EndingRegister,
    Registered,
    call_of,
    match,
    read_as,
    registered,
    written,
)
from openers_client.fhir import Json, items
from openers_client.operations.base import Call, Calling, path

T = TypeVar("T")
DRAFT: Final = "draft"


class Services(EndingRegister[Service]):
    """The services. Each method raises `ErsError`: `VersionConflict` if another caller changed the draft or service."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        super().__init__(calling, "services", Service, lambda one: one.id)

    async def create_draft(self, draft: ServiceDraft) -> Registered[ServiceDraft]:
        """Save a new draft; the service gives it its number."""
        return await self._sent(ServiceDraft, "POST", "/services", "", {**written(draft), "id": "", "base": 0})

    async def drafts(self, page_size: int = PAGE) -> AsyncIterator[Registered[ServiceDraft]]:
        """Yield all drafts that the caller may define, page after page."""
        cursor: str | None = None
        while True:
            query = [("limit", str(page_size)), *([] if cursor is None else [("cursor", cursor)])]
            page = (await self._calls.send(call_of("GET", "/services/drafts", reads=True, query=query))).json()
            for item in items(page, "items"):
                value: Json = item["value"]
                yield Registered(str(item["key"]), int(item["version"]), read_as(value, ServiceDraft), resource=value)
            cursor = page.get("next")
            if cursor is None:
                return

    async def clinic_types(self) -> tuple[ClinicType, ...]:
        """Return the pairs of specialty and clinic type that a service can have today, by their names."""
        reply = await self._calls.send(call_of("GET", "/services/clinic-types", reads=True))
        return read_as(reply.json()["clinic_types"], tuple[ClinicType, ...])

    async def read_draft(self, service: str) -> Registered[ServiceDraft]:
        """Read the draft; its version is 0 if none was saved, and it is what the live service would be as a draft."""
        reply = await self._calls.send(call_of("GET", _at(service, DRAFT), reads=True))
        return registered(service, reply, ServiceDraft)

    async def save_draft(self, before: Registered[ServiceDraft], draft: ServiceDraft) -> Registered[ServiceDraft]:
        """Replace the version `before` of a draft; what this client does not know of it stays."""
        body = {**before.resource, **written(draft)}
        headers = match(before) if before.version else {}
        return await self._sent(ServiceDraft, "PUT", _at(before.key, DRAFT), before.key, body, headers)

    async def discard_draft(self, service: str) -> None:
        """Discard the draft: one that was never published vanishes, another one becomes equal to the live service."""
        await self._calls.send(_once(call_of("DELETE", _at(service, DRAFT))))

    async def check(self, service: str) -> Checked:
        """Return what the checks of publishing find in the draft."""
        return read_as(await self._json(service, "checks"), Checked)

    async def publish(self, before: Registered[ServiceDraft]) -> Registered[Service]:
        """Make the version `before` of the draft the live service.

        Raises InvalidRequest with the code NOT_PUBLISHABLE if a check fails.
        """
        headers = match(before) if before.version else {}
        return await self._sent(Service, "POST", _at(before.key, "publish"), before.key, None, headers)

    async def unpublish(self, service: str) -> Registered[Service]:
        """Hide the service from searches; its version, draft and referrals stay."""
        return await self._sent(Service, "POST", _at(service, "unpublish"), service, None)

    async def end_on(self, service: str, day: date) -> Registered[Service]:
        """Set the last day on which the service is found."""
        return await self._sent(Service, "POST", _at(service, "end-date"), service, {"on": day.isoformat()})

    async def copy(self, service: str, name: str) -> Registered[ServiceDraft]:
        """Save a copy as a new draft."""
        return await self._sent(ServiceDraft, "POST", _at(service, "copy"), "", {"name": name})

    async def versions(self, service: str) -> tuple[int, ...]:
        """Return the numbers of the live versions, the last one first."""
        return tuple(int(each) for each in (await self._json(service, "versions"))["versions"])

    async def version(self, service: str, number: int) -> Registered[Service]:
        """Read the live service as it was in a version."""
        reply = await self._calls.send(call_of("GET", _at(service, "versions", str(number)), reads=True))
        return registered(service, reply, Service)

    async def difference(self, service: str, before: int | None = None, after: int | None = None) -> tuple[Change, ...]:
        """Return what differs between two versions, by default between the live one and the draft."""
        between = (("from", before), ("to", after))
        query = [(name, str(number)) for name, number in between if number is not None]
        return differences(await self._json(service, "difference", query=query))

    async def poll(self, service: str) -> int:
        """Poll the PAS of the service now; return how many slots have changed."""
        reply = await self._calls.send(call_of("POST", _at(service, "poll")))
        return int(reply.json()["changed"])

    async def visibility(self, service: str, referrer: Referrer) -> Visibility:
        """Return whether a referrer sees the service and its next slots, and what hides them."""
        asked = dataclasses.asdict(referrer)
        query = [(name, str(value)) for name, value in asked.items() if value is not None]
        return read_as(await self._json(service, "visibility", query=query), Visibility)

    async def _json(self, service: str, below: str, **more: Any) -> Json:
        return (await self._calls.send(call_of("GET", _at(service, below), reads=True, **more))).json()

    async def _sent(
        self, of: type[T], method: str, where: str, key: str, body: Json | None, headers: dict[str, str] | None = None
    ) -> Registered[T]:
        """Make a change that may be sent twice; a new record tells its number."""
        sent = {**(headers or {}), **({} if body is None else {"Content-Type": JSON})}
        reply = await self._calls.send(_once(call_of(method, where, headers=sent, body=body)))
        return registered(key or str(reply.json().get("id", "")), reply, of)


def _once(call: Call) -> Call:
    """Return a call that changes nothing more if it is sent twice."""
    return dataclasses.replace(call, headers={**call.headers, "Idempotency-Key": str(uuid4())}, reads=True)


def _at(service: str, *below: str) -> str:
    return path("/services/" + "/".join(["{}"] * (1 + len(below))), service, *below)
