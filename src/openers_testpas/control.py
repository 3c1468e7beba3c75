"""The control plane, only for tests on this machine: clock, faults, slots, acts of the hospital, counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers_testpas.faults import Fault
from openers_testpas.fhir import Instant
from openers_testpas.hospital import model
from openers_testpas.hospital.clinics import BadClinics
from openers_testpas.replies import Problem
from openers_testpas.system import System

Sent = TypeVar("Sent")


class NewClock(msgspec.Struct, forbid_unknown_fields=True):
    """Set the time (`now`: null is the real time) or advance it, or both in this order."""

    now: Instant | msgspec.UnsetType | None = msgspec.UNSET
    advance_seconds: float = 0.0


class NewFaults(msgspec.Struct, forbid_unknown_fields=True):
    """The faults that replace the current ones."""

    faults: tuple[Fault, ...]


class NewSlot(msgspec.Struct, forbid_unknown_fields=True):
    """A slot to add."""

    clinic: str
    start: Instant
    minutes: int | None = None


class NewClinic(msgspec.Struct, forbid_unknown_fields=True):
    """A clinic to make for a service that has none."""

    service: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,11}\Z")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class SlotChanges(msgspec.Struct, forbid_unknown_fields=True):
    """Slots to add and ids of slots to close."""

    add: tuple[NewSlot, ...] = ()
    close: tuple[str, ...] = ()


class AppointmentAct(msgspec.Struct, forbid_unknown_fields=True):
    """An act of the hospital on an appointment."""

    act: Literal["cancel", "not-attended", "arrive", "move"]
    reason: str = "NOT_SPECIFIED"
    comment: str | None = None
    slot: str = ""


def control_routes(system: System) -> list[Route]:
    """Return the routes of the control plane."""

    async def clock(request: Request) -> Response:
        if request.method == "PUT":
            wanted = await _read(request, NewClock)
            if wanted.now is not msgspec.UNSET:
                system.clock.set(wanted.now)
            system.clock.offset += timedelta(seconds=wanted.advance_seconds)
            system.keep_clock()
            system.fill()
        return _reply({"now": system.clock.now()})

    async def faults(request: Request) -> Response:
        if request.method == "PUT":
            system.faults.replace((await _read(request, NewFaults)).faults)
        return _reply({"faults": system.faults.in_force})

    async def slots(request: Request) -> Response:
        wanted = await _read(request, SlotChanges)
        added = [system.slots.add(each.clinic, each.start, each.minutes) for each in wanted.add]
        closed = [system.slots.close(each) for each in wanted.close]
        return _reply({"added": added, "closed": closed})

    async def clinics(request: Request) -> Response:
        if request.method == "POST":
            wanted = await _read(request, NewClinic)
            return _reply({"clinics": system.make_clinic(wanted.service, wanted.name)})
        return _reply({"clinics": tuple(system.clinics.by_id.values())})

    async def appointment(request: Request) -> Response:
        wanted, named = await _read(request, AppointmentAct), str(request.path_params["id"])
        held = system.bookings.of_key(named) or system.bookings.one(named)
        return _reply(_carry_out(system, held.id, wanted))

    async def state(request: Request) -> Response:
        return _reply(
            {
                "now": system.clock.now(),
                "slots": system.store.counts("slot", "status"),
                "appointments": system.store.counts("appointment", "status"),
                "notifications": system.store.counts("notification", "state"),
                "faults_played": system.faults.played,
                "second_answers": system.faults.second_answers,
            }
        )

    return [
        Route("/clock", _from_here(clock), methods=["GET", "PUT"]),
        Route("/faults", _from_here(faults), methods=["GET", "PUT"]),
        Route("/clinics", _from_here(clinics), methods=["GET", "POST"]),
        Route("/slots", _from_here(slots), methods=["POST"]),
        Route("/appointments/{id}", _from_here(appointment), methods=["POST"]),
        Route("/state", _from_here(state), methods=["GET"]),
    ]


def _carry_out(system: System, appointment: str, wanted: AppointmentAct) -> model.Appointment:
    bookings = system.bookings
    match wanted.act:
        case "cancel":
            return bookings.cancel_by_hospital(appointment, wanted.reason, wanted.comment)
        case "not-attended":
            return bookings.mark_not_attended(appointment, wanted.reason)
        case "arrive":
            return bookings.mark_arrived(appointment)
        case "move":
            return bookings.move(appointment, wanted.slot)


def _from_here(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler for callers on this machine; errors become a Problem."""

    async def guarded(request: Request) -> Response:
        if request.client is None or not ip_address(request.client.host).is_loopback:
            raise Problem(403, "forbidden", "the control plane serves only callers on this machine")
        try:
            return await handler(request)
        except model.Unknown as error:
            raise Problem(404, "not-found", str(error)) from error
        except (model.Unfit, model.NotPossible, model.SlotTaken, BadClinics) as error:
            raise Problem(409, "conflict", str(error)) from error

    return guarded


async def _read(request: Request, kind: type[Sent]) -> Sent:
    # A foreign web page cannot send this media type without a preflight request, which is never allowed.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Problem(415, "not-supported", "the body must be application/json")
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (ValueError, RecursionError) as error:
        raise Problem(422, "structure", str(error)) from error


def _reply(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
