"""Services: beside what every register has, their drafts, publishing, versions, polls and visibility."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

from openers_client.administration.drafts import Checks, ClinicType, Difference, Draft, Visibility, VisibilityQuestion
from openers_client.administration.records import Service
from openers_client.administration.register import (
    JSON,
    PAGE,
    EndingRegister,
    Register,
    Registered,
    call_of,
    if_match,
    read_as,
    written,
)
from openers_client.fhir import Json, items
from openers_client.operations.base import Call, Calling, path


class Services(EndingRegister[Service]):
    """The services. Each method raises `ErsError`. `number` is that of a service."""

    def __init__(self, calling: Calling) -> None:
        """Store who calls."""
        super().__init__(calling, "services", Service, lambda one: one.id)
        self._drafts: Final = Register(calling, "services/drafts", Draft, lambda one: one.id)

    def drafts(self, organisation: str | None = None, page_size: int = PAGE) -> AsyncIterator[Registered[Draft]]:
        """Yield all drafts that the caller may define, or only those of an organisation."""
        return self._drafts.all(organisation, page_size)

    async def create_draft(self, draft: Draft, *, dry_run: bool = False) -> Registered[Draft]:
        """Save a new draft, which gets its number."""
        return await self._saved(_sent("POST", "/services", written(draft)), dry_run=dry_run)

    async def read_draft(self, number: str) -> Registered[Draft]:
        """Read the draft of a service. Version 0 is the live service as a draft that was not saved yet."""
        reply = await self._calls.send(call_of("GET", _at(number, "/draft"), reads=True))
        return self._drafts._registered(number, reply)

    async def save_draft(self, before: Registered[Draft], draft: Draft, *, dry_run: bool = False) -> Registered[Draft]:
        """Replace the version `before` of a draft; the live service stays until it is published."""
        body = {**before.resource, **written(draft), "id": before.key}
        sent = _sent("PUT", _at(before.key, "/draft"), body)
        headers = {**sent.headers, **(if_match(before) if before.version else {})}
        return await self._saved(dataclasses.replace(sent, headers=headers), dry_run=dry_run)

    async def discard_draft(self, number: str, *, dry_run: bool = False) -> Registered[Draft]:
        """Discard a draft: one that was never published is removed, another one becomes equal to the live service."""
        return await self._saved(call_of("DELETE", _at(number, "/draft")), dry_run=dry_run)

    async def copy(self, number: str, name: str, *, dry_run: bool = False) -> Registered[Draft]:
        """Save a copy of a service, or of its draft, as a new draft with another name."""
        return await self._saved(_sent("POST", _at(number, "/copy"), {"name": name}), dry_run=dry_run)

    async def clinic_types(self) -> tuple[ClinicType, ...]:
        """Return the pairs of specialty and clinic type that a service can have today, by their names."""
        told = (await self._calls.send(call_of("GET", "/services/clinic-types", reads=True))).json()
        return tuple(read_as(each, ClinicType) for each in items(told, "clinic_types"))

    async def check(self, number: str) -> Checks:
        """Return whether the draft of a service can be published, and what the checks find."""
        return read_as(await self._read(number, "/checks"), Checks)

    async def publish(
        self, number: str, draft: Registered[Draft] | None = None, *, dry_run: bool = False
    ) -> Registered[Service]:
        """Make the draft the live service: the version `draft` alone, if it is given.

        A draft that fails a check is an InvalidRequest, whose `rejection.outcome` has the `findings`.
        """
        headers = {} if draft is None else if_match(draft)
        return await self._change(number, call_of("POST", _at(number, "/publish"), headers=headers), dry_run=dry_run)

    async def unpublish(self, number: str, *, dry_run: bool = False) -> Registered[Service]:
        """Hide a service from searches. Its version, its draft and its referrals stay."""
        return await self._change(number, call_of("POST", _at(number, "/unpublish")), dry_run=dry_run)

    async def end_on(self, number: str, last: date, *, dry_run: bool = False) -> Registered[Service]:
        """Set the last day on which a service is found."""
        sent = _sent("POST", _at(number, "/end-date"), {"on": last.isoformat()})
        return await self._change(number, sent, dry_run=dry_run)

    async def versions(self, number: str) -> tuple[int, ...]:
        """Return the versions of the live service, the last one first; none if it was never published."""
        return tuple((await self._read(number, "/versions"))["versions"])

    async def version(self, number: str, version: int) -> Registered[Service]:
        """Return the live service as it was in a version."""
        reply = await self._calls.send(call_of("GET", _at(number, f"/versions/{version}"), reads=True))
        return self._registered(number, reply)

    async def differences(
        self, number: str, first: int | None = None, second: int | None = None
    ) -> tuple[Difference, ...]:
        """Return what differs between two versions: by default the live one, and the draft."""
        query = [(name, str(it)) for name, it in (("from", first), ("to", second)) if it is not None]
        told = await self._read(number, "/difference", query)
        return tuple(
            Difference(place=each["place"], before=each["from"], after=each["to"]) for each in items(told, "difference")
        )

    async def poll(self, number: str) -> int:
        """Poll the PAS of a service now; return how many slots changed. Raises PasFailed."""
        told = (await self._calls.send(call_of("POST", _at(number, "/poll"), reads=True))).json()
        return int(told["changed"])

    async def visibility(self, number: str, asked: VisibilityQuestion) -> Visibility:
        """Return why a search does not find a service, and which of its next slots are hidden."""
        query = [(name, str(it)) for name, it in dataclasses.asdict(asked).items() if it is not None]
        return read_as(await self._read(number, "/visibility", query), Visibility)

    async def _read(self, number: str, below: str, query: list[tuple[str, str]] | None = None) -> Json:
        reply = await self._calls.send(call_of("GET", _at(number, below), reads=True, query=query or []))
        return reply.json()

    async def _saved(self, sent: Call, *, dry_run: bool) -> Registered[Draft]:
        """Send a change of a draft, and return the draft under the number that it has."""
        saved = await self._drafts._change("", sent, dry_run=dry_run)
        return dataclasses.replace(saved, key=saved.value.id)


def _at(number: str, below: str) -> str:
    return path("/services/{}", number) + below


def _sent(method: str, where: str, body: Any) -> Call:
    return call_of(method, where, headers={"Content-Type": JSON}, body=body)
