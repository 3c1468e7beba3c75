"""The operator page: the diary, and acts of hospital staff on slots and appointments. No script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from openers_testpas.hospital import reasons
from openers_testpas.hospital.clock import LONDON
from openers_testpas.hospital.model import NotPossible, SlotTaken, Unfit, Unknown
from openers_testpas.pages.diary import clinic_days, detail
from openers_testpas.pages.forms import FIELD, Forged, form_token, keep_form_token, read_form, text_of
from openers_testpas.system import System

HERE: Final = Path(__file__).parent
ALWAYS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Handler = Callable[[Request], Awaitable[Response]]


class Pages:
    """The pages, with their templates compiled once."""

    def __init__(self, system: System) -> None:
        """Read the templates and the style sheet."""
        self._system = system
        self._style = (HERE / "assets" / "style.css").read_bytes()
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self._guarded(self._diary), methods=["GET"]),
            Route("/style.css", self._show_style, methods=["GET"]),
            Route("/appointments/{id}", self._guarded(self._appointment), methods=["GET"]),
            Route("/appointments/{id}", self._guarded(self._change_appointment), methods=["POST"]),
            Route("/slots", self._guarded(self._change_slots), methods=["POST"]),
        ]

    async def _diary(self, request: Request) -> Response:
        today = self._system.clock.today()
        day, service = _day(request.query_params.get("day", ""), today), request.query_params.get("service") or None
        clinics = self._system.clinics.by_id.values()
        return self._page(
            request,
            "diary.html",
            day=day,
            today=today,
            service=service,
            services=sorted({clinic.service for clinic in clinics}),
            clinics=[each for each in clinics if service in {None, each.service}],
            clinic_days=clinic_days(self._system, day, service),
            earlier=_diary_at(day - timedelta(days=1), service),
            later=_diary_at(day + timedelta(days=1), service),
        )

    async def _appointment(self, request: Request) -> Response:
        shown = detail(self._system, request.path_params["id"])
        return self._page(
            request,
            "appointment.html",
            shown=shown,
            cancellation_reasons=reasons.CANCELLATION_REASONS,
            non_attendance_reasons=reasons.NON_ATTENDANCE_REASONS,
            back=_diary_at(shown.day, None),
        )

    async def _change_appointment(self, request: Request) -> Response:
        form, appointment = await read_form(request), str(request.path_params["id"])
        bookings = self._system.bookings
        match text_of(form, "act"):
            case "cancel":
                bookings.cancel_by_hospital(appointment, text_of(form, "reason"), text_of(form, "comment") or None)
            case "not-attended":
                bookings.mark_not_attended(appointment, text_of(form, "reason"))
            case "arrive":
                bookings.mark_arrived(appointment)
            case "move":
                bookings.move(appointment, text_of(form, "slot"))
            case _:
                raise Unfit("choose an action")
        return RedirectResponse(f"/appointments/{appointment}", 303)

    async def _change_slots(self, request: Request) -> Response:
        form = await read_form(request)
        if text_of(form, "act") == "close":
            self._system.slots.close(text_of(form, "slot"))
        else:
            self._add_slot(form)
        day = _day(text_of(form, "day"), self._system.clock.today())
        return RedirectResponse(_diary_at(day, text_of(form, "service") or None), 303)

    def _add_slot(self, form: FormData) -> None:
        try:
            start = datetime.fromisoformat(f"{text_of(form, 'day')}T{text_of(form, 'time')}").replace(tzinfo=LONDON)
        except ValueError as error:
            raise Unfit("a slot needs a day and a time") from error
        self._system.slots.add(text_of(form, "clinic"), start, None)

    def _page(self, request: Request, template: str, status: int = 200, **shown: Any) -> Response:
        token = form_token(request)
        text = self._templates.get_template(template).render(token=token, token_field=FIELD, **shown)
        response = HTMLResponse(text, status, ALWAYS)
        keep_form_token(response, token)
        return response

    async def _show_style(self, request: Request) -> Response:
        return Response(self._style, headers={"X-Content-Type-Options": "nosniff"}, media_type="text/css")

    def _guarded(self, handler: Handler) -> Handler:
        """Return the handler; an error becomes a page that explains it."""

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Forged:
                return self._problem(request, 403, "This form is out of date. Go back, reload the page and try again.")
            except Unknown as error:
                return self._problem(request, 404, str(error))
            except (Unfit, SlotTaken, NotPossible) as error:
                return self._problem(request, 409, str(error))

        return guarded

    def _problem(self, request: Request, status: int, text: str) -> Response:
        return self._page(request, "problem.html", status, text=text)


def _day(text: str, otherwise: date) -> date:
    """Return the day, if the calendar can show days around it; else `otherwise`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 1970 < day.year < 2100 else otherwise


def _diary_at(day: date, service: str | None) -> str:
    return f"/?{urlencode({'day': day.isoformat(), **({'service': service} if service else {})})}"
