"""A small FHIR scheduling server, written only from the contract for Patient Administration Systems (PAS).

It shares no code with the service, so both can agree only because both follow the contract. It keeps its data in memory
and runs over real HTTP in its own thread. Tests make it misbehave with `fault`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

ISSUER: Final = "https://service.example"
KEY: Final = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
BOOKING_KEY: Final = "https://openers.example/Id/booking-key|"
SERVICE: Final = "http://fhir.nhs.net/Id/ers-service"
CLINICIAN: Final = "http://fhir.nhs.net/Id/sds-user-id"
Json = dict[str, Any]


class Broke(Exception):
    """The request is rejected with this status and issue code."""

    def __init__(self, status: int, code: str) -> None:
        """Store the status and issue code of the reply."""
        super().__init__(status, code)
        self.status, self.code = status, code


class SmallPas:
    """The server's data, and its injected fault: hang, drop, cut, garbage, huge, redirect, or a status.

    If `shown` is set, each slot query returns these slots. If `next_link` is set, each page links to it. Each request
    that arrives releases `reached`.
    """

    def __init__(self) -> None:
        """Start without data; `url` is set when the server runs."""
        self.url = ""
        self.issuer, self.key, self.kid = ISSUER, KEY, "one"
        self.fault = ""
        self.next_link: str | None = None
        self.slots: dict[str, Json] = {}
        self.schedules: dict[str, Json] = {}
        self.appointments: dict[str, Json] = {}
        self.claims: list[Json] = []
        self.shown: list[Json] | None = None
        self.reached = threading.Semaphore(0)
        self._tokens: set[str] = set()

    def add_schedule(self, key: str, service: str, clinician: str | None = None) -> None:
        """Add a schedule of a service, or of one clinician of that service."""
        actors = [(SERVICE, service), *([(CLINICIAN, clinician)] if clinician else [])]
        actor = [{"identifier": {"system": system, "value": value}} for system, value in actors]
        self.schedules[key] = {"resourceType": "Schedule", "id": key, "actor": actor}

    def add_slot(self, key: str, schedule: str, times: tuple[str, str], *priorities: str) -> None:
        """Add a free slot. `times` are its start and end, with offsets."""
        system = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-Priority-1"
        self.slots[key] = {
            "resourceType": "Slot",
            "id": key,
            "identifier": [{"system": "https://fhir.nhs.uk/Id/alternative-slot", "value": f"USRN {key}"}],
            "schedule": {"reference": f"Schedule/{schedule}"},
            "start": times[0],
            "end": times[1],
            "serviceType": [{"coding": [{"system": system, "code": each}]} for each in priorities],
        }
        self.mark(key, "free")

    def mark(self, key: str, status: str) -> None:
        """Change the status of a slot, with the current time as its last update."""
        self.slots[key] |= {"status": status, "meta": {"lastUpdated": datetime.now(UTC).isoformat()}}

    async def find_slots(self, request: Request) -> Response:
        """Return slots in pages. Only this server can interpret the address of the next page."""
        self._check(request)
        asked = request.query_params
        found, most = self.shown or self._matching(request), int(asked.get("_count", 500))
        at = int(asked.get("page", 0)) * most
        page = found[at : at + most]
        shown = [key for key in self.schedules if {"reference": f"Schedule/{key}"} in [s["schedule"] for s in page]]
        entries = [{"resource": slot, "search": {"mode": "match"}} for slot in page]
        entries += [{"resource": self.schedules[key], "search": {"mode": "include"}} for key in shown]
        links: list[Json] = [{"relation": "self", "url": str(request.url)}]
        if self.next_link or at + most < len(found):
            following = self.next_link or str(request.url.include_query_params(page=at // most + 1))
            links.append({"relation": "next", "url": following})
        return self._reply(
            {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links, "entry": entries}
        )

    async def book(self, request: Request) -> Response:
        """Create an appointment, unless the booking key already has one (conditional create)."""
        self._check(request)
        wanted: Json = json.loads(await request.body())
        key = request.headers["If-None-Exist"].removeprefix(f"identifier={BOOKING_KEY}")
        if wanted.get("status") != "booked" or not wanted.get("slot") or key != _key(wanted):
            raise Broke(422, "invalid")
        if earlier := self._booked_as(key):
            return self._reply(earlier[0])
        slot = self.slots.get(wanted["slot"][0]["reference"].removeprefix("Slot/"))
        if slot is None:
            raise Broke(404, "not-found")
        if any(_moment(wanted[edge]) != _moment(slot[edge]) for edge in ("start", "end")):
            raise Broke(422, "business-rule")
        if slot["status"] != "free":
            raise Broke(409, "conflict")
        self.mark(slot["id"], "busy")
        made: Json = wanted | {"id": str(uuid4()), "meta": {"versionId": "1"}}
        self.appointments[made["id"]] = made
        return self._reply(made, 201, {"Location": f"{self.url}/Appointment/{made['id']}"})

    async def look_up(self, request: Request) -> Response:
        """Return the appointment of a booking key."""
        self._check(request)
        found = self._booked_as(request.query_params["identifier"].removeprefix(BOOKING_KEY))
        entries = [{"resource": each, "search": {"mode": "match"}} for each in found]
        return self._reply({"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries})

    async def cancel(self, request: Request) -> Response:
        """Cancel the appointment and free the slot. Repeated calls change nothing."""
        self._check(request)
        appointment = self.appointments.get(request.path_params["key"])
        wanted: Json = json.loads(await request.body())
        if appointment is None:
            raise Broke(404, "not-found")
        if wanted.get("status") != "cancelled":
            raise Broke(422, "invalid")
        if appointment["status"] not in {"booked", "cancelled"}:
            raise Broke(409, "conflict")
        if appointment["status"] == "booked":
            appointment |= {"status": "cancelled", "meta": {"versionId": "2"}}
            appointment |= {"cancelationReason": wanted["cancelationReason"]} if "cancelationReason" in wanted else {}
            self.mark(appointment["slot"][0]["reference"].removeprefix("Slot/"), "free")
        return self._reply(appointment)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, and apply the injected fault to the reply."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self.reached.release()
        fault = self.fault
        while fault == "hang" and (await receive())["type"] != "http.disconnect":
            pass
        if fault.isdigit():
            await _refused(request, Broke(int(fault), "exception"))(scope, receive, send)
        elif fault == "redirect":
            await RedirectResponse("http://127.0.0.1:1/elsewhere")(scope, receive, send)
        else:
            await self._routes(scope, receive, _spoilt(fault, receive, send))

    @property
    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/fhir/Slot", self.find_slots),
                Route("/fhir/Appointment", self.book, methods=["POST"]),
                Route("/fhir/Appointment", self.look_up),
                Route("/fhir/Appointment/{key}", self.cancel, methods=["PUT"]),
            ],
            exception_handlers={Broke: _refused},
        )

    def _check(self, request: Request) -> None:
        """Check that the token is signed by the service for this PAS, is short-lived, and was not used before."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            found = jwt.decode(token, self.key, algorithms=["RS256"])
        except (JoseError, ValueError):
            raise Broke(401, "security") from None
        claims, now = found.claims, datetime.now(UTC).timestamp()
        right = scheme == "Bearer" and found.header.get("kid") == self.kid
        right &= claims["iss"] == self.issuer and claims["aud"] == self.url and claims["jti"] not in self._tokens
        if not right or not now < claims["exp"] <= now + 300 or claims["iat"] > now:
            raise Broke(401, "security")
        self._tokens.add(claims["jti"])
        self.claims.append(dict(claims))

    def _matching(self, request: Request) -> list[Json]:
        """Return the slots that match a query."""
        asked = request.query_params
        service = asked["schedule.actor:identifier"].removeprefix(f"{SERVICE}|")
        since, bounds = asked.get("_lastUpdated"), [_moment(each) for each in asked.getlist("start")]
        return [
            slot
            for slot in self.slots.values()
            if min(bounds) <= _moment(slot["start"]) < max(bounds)
            and self._service_of(slot) == service
            and (_moment(slot["meta"]["lastUpdated"]) >= _moment(since) if since else slot["status"] == "free")
        ]

    def _booked_as(self, key: str) -> list[Json]:
        return [each for each in self.appointments.values() if _key(each) == key]

    def _service_of(self, slot: Json) -> str:
        return self.schedules[slot["schedule"]["reference"].partition("/")[2]]["actor"][0]["identifier"]["value"]

    def _reply(self, body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return Response(json.dumps(body), status, headers, "application/fhir+json")


def _refused(request: Request, why: Exception) -> Response:
    assert isinstance(why, Broke)
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": why.code}]}
    return Response(json.dumps(outcome), why.status, media_type="application/fhir+json")


def _spoilt(fault: str, receive: Receive, send: Send) -> Send:
    """Send the reply, changed by the fault. The PAS has carried out the call by then."""

    async def _send(message: Message) -> None:
        if fault == "drop":  # the server has no API for this; `receive` is bound to the connection's transport
            receive.__self__.transport.abort()  # pyright: ignore[reportFunctionMemberAccess] -- as above
        elif fault == "cut" and message["type"] == "http.response.body":
            await send({**message, "body": message["body"][:10], "more_body": True})
            receive.__self__.transport.close()  # pyright: ignore[reportFunctionMemberAccess] -- as above
        elif fault in {"garbage", "huge"} and message["type"] == "http.response.start":
            await send({**message, "headers": [(b"content-type", b"application/fhir+json")]})
        elif fault in {"garbage", "huge"}:
            body = b'{"resourceType": "Appointment", ]' if fault == "garbage" else b'"' + b"x" * (6 * 2**20)
            await send({**message, "body": body})
        else:
            await send(message)

    return _send


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removeprefix("ge").removeprefix("lt"))


def _key(appointment: Json) -> str:
    return next((each["value"] for each in appointment["identifier"] if BOOKING_KEY.startswith(each["system"])), "")


@contextmanager
def small_pas(pas: SmallPas | None = None) -> Generator[SmallPas]:
    """Run the server on a free port; `pas` replaces the default one."""
    pas = pas or SmallPas()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:  # listens at once, replies a little later
        pas.url = f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
        server = uvicorn.Server(uvicorn.Config(pas, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield pas
        finally:
            server.force_exit = server.should_exit = True
            thread.join(30)
