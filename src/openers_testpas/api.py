"""The FHIR interface: slots, booking, look-up, cancellation. Source: docs/reference/pas-contract.md."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers_testpas.auth import Doorkeeper, KeysUnknown, Refused
from openers_testpas.bookings import Bookings
from openers_testpas.faults import Faults, Operation
from openers_testpas.fhir import (
    BOOKING_KEY,
    MEDIA_TYPE,
    Appointment,
    AppointmentWriter,
    Bundle,
    Entry,
    Link,
    Meta,
    Search,
    read_booking,
    reason_code,
    write_schedule,
    write_slot,
)
from openers_testpas.hospital import model
from openers_testpas.hospital.clinics import Clinics
from openers_testpas.hospital.clock import as_instant
from openers_testpas.hospital.slots import Page, Slots
from openers_testpas.replies import Problem, reply
from openers_testpas.slot_query import Pairs, address, read_slot_query

LONGEST_BODY: Final = 65_536
KEY: Final = re.compile(rf"identifier={re.escape(BOOKING_KEY)}\|(?P<key>[0-9A-Za-z-]{{1,64}})")
READABLE: Final = frozenset({MEDIA_TYPE, "application/json"})

Handler = Callable[[Request], Awaitable[Response]]


class FhirApi:
    """The endpoints below the FHIR base URL."""

    def __init__(self, base: str, doorkeeper: Doorkeeper, faults: Faults, writer: AppointmentWriter) -> None:
        """Store the dependencies; `base` is the FHIR base URL."""
        self._base = base
        self._doorkeeper = doorkeeper
        self._faults = faults
        self._writer = writer

    def routes(self, slots: Slots, bookings: Bookings, clinics: Clinics) -> list[Route]:
        """Return the routes; each admits only the service."""

        async def find_slots(request: Request) -> Response:
            sent: Pairs = request.query_params.multi_items()
            query = read_slot_query(sent)
            return await self._faults.play(
                Operation.SLOTS, None, lambda: reply(200, self._slots(sent, slots.find(query), clinics))
            )

        async def book(request: Request) -> Response:
            key = _booking_key(request.headers.get("if-none-exist", ""))
            wanted = read_booking(await _appointment_in(request), key)
            return await self._faults.play(Operation.BOOK, wanted.slot, lambda: self._book(bookings, wanted))

        async def look_up(request: Request) -> Response:
            key = _booking_key("&".join(f"{name}={value}" for name, value in request.query_params.multi_items()))
            held = bookings.of_key(key)
            slot = None if held is None else held.slot
            return await self._faults.play(
                Operation.LOOK_UP, slot, lambda: reply(200, self._found(str(request.url.query), held))
            )

        async def read(request: Request) -> Response:
            return self._one(200, bookings.one(request.path_params["id"]))

        async def cancel(request: Request) -> Response:
            sent, appointment = await _appointment_in(request), str(request.path_params["id"])
            if sent.status != model.Status.CANCELLED or sent.id not in {None, appointment}:
                raise Problem(422, "business-rule", "status must be cancelled and id must match the address")
            slot, reason = bookings.one(appointment).slot, reason_code(sent)
            return await self._faults.play(
                Operation.CANCEL, slot, lambda: self._one(200, bookings.cancel(appointment, reason))
            )

        table = (
            ("/Slot", find_slots, "GET"),
            ("/Appointment", look_up, "GET"),
            ("/Appointment", book, "POST"),
            ("/Appointment/{id}", read, "GET"),
            ("/Appointment/{id}", cancel, "PUT"),
        )
        return [Route(path, self._guarded(handler), methods=[method]) for path, handler, method in table]

    def _guarded(self, handler: Handler) -> Handler:
        """Return the handler behind the doorkeeper; refusals of the hospital become a Problem."""

        async def guarded(request: Request) -> Response:
            try:
                await self._doorkeeper.admit(request.headers.get("authorization"))
                return await handler(request)
            except Refused as error:
                raise Problem(401, "login", str(error)) from error
            except KeysUnknown as error:
                raise Problem(503, "transient", str(error)) from error
            except model.Unknown as error:
                raise Problem(404, "not-found", str(error)) from error
            except model.Unfit as error:
                raise Problem(422, "business-rule", str(error)) from error
            except (model.SlotTaken, model.NotPossible) as error:
                raise Problem(409, "conflict", str(error)) from error

        return guarded

    def _book(self, bookings: Bookings, wanted: model.Wanted) -> Response:
        held, is_new = bookings.book(wanted)
        return self._one(201 if is_new else 200, held)

    def _one(self, status: int, held: model.Appointment) -> Response:
        headers = {"ETag": f'W/"{held.version}"'}
        if status == 201:
            headers["Location"] = f"{self._base}/Appointment/{held.id}"
        return reply(status, self._writer.write(held), headers)

    def _found(self, query: str, held: model.Appointment | None) -> Bundle:
        link = Link(relation="self", url=f"{self._base}/Appointment?{query}")
        if held is None:
            return Bundle(type="searchset", total=0, link=(link,))
        entry = Entry(
            full_url=f"{self._base}/Appointment/{held.id}",
            resource=self._writer.write(held),
            search=Search(mode="match"),
        )
        return Bundle(type="searchset", total=1, link=(link,), entry=(entry,))

    def _slots(self, sent: Pairs, page: Page, clinics: Clinics) -> Bundle:
        links = [Link(relation="self", url=address(self._base, sent))]
        if page.next is not None:
            links.append(Link(relation="next", url=address(self._base, sent, page.next)))
        shown = dict.fromkeys(slot.clinic for slot in page.slots)
        resources = [write_slot(slot, clinics.by_id[slot.clinic]) for slot in page.slots]
        entries = [
            Entry(full_url=f"{self._base}/Slot/{each.id}", resource=each, search=Search(mode="match"))
            for each in resources
        ]
        if ("_include", "Slot:schedule") in sent:
            entries += [
                Entry(
                    full_url=f"{self._base}/Schedule/{clinic}",
                    resource=write_schedule(clinics.by_id[clinic]),
                    search=Search(mode="include"),
                )
                for clinic in shown
            ]
        meta = Meta(last_updated=as_instant(page.stamp))
        return Bundle(type="searchset", total=page.total, meta=meta, link=tuple(links), entry=tuple(entries))


def _booking_key(condition: str) -> str:
    found = KEY.fullmatch(condition)
    if found is None:
        raise Problem(400, "required", f"identifier={BOOKING_KEY}|<uuid> is needed")
    return found["key"]


async def _appointment_in(request: Request) -> Appointment:
    """Return the Appointment in the body. Raises Problem."""
    media_type = request.headers.get("content-type", MEDIA_TYPE).partition(";")[0].strip().lower()
    if media_type not in READABLE:
        raise Problem(415, "not-supported", f"the body must be {MEDIA_TYPE}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise Problem(413, "too-long", f"the body may have at most {LONGEST_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=Appointment)
    except msgspec.ValidationError as error:
        raise Problem(422, "structure", str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Problem(400, "structure", f"the body is not JSON: {error}") from error
