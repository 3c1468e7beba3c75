"""The operator page: the diary, and acts of hospital staff on slots and appointments. It needs no script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openers_testpas.hospital import reasons
from openers_testpas.hospital.clock import LONDON
from openers_testpas.hospital.model import NotPossible, SlotTaken, Unfit, Unknown
from openers_testpas.pages.diary import Detail, clinic_days, detail
from openers_testpas.pages.forms import FIELD, Forged, form_token, keep_form_token, read_form, text_of
from openers_testpas.system import System
from openers_web.assets import asset_route
from openers_web.dates import moment_in_words
from openers_web.layout import Frame, Link, Site
from openers_web.layout import Pages as KitPages
from openers_web.parts.forms import Field, Option
from openers_web.parts.texts import Fact

HERE: Final = Path(__file__).parent
SITE: Final = Site("Test PAS")
PLACES: Final = {"cancel": "comment", "move": "slot", "not-attended": "dna-reason"}
"""The control beside which an act's error is shown."""
FIELDS: Final = ("act", "reason", "comment", "slot", "clinic", "time")
"""What a refused form shows again."""

Handler = Callable[[Request], Awaitable[Response]]


class Pages:
    """The pages, with their templates compiled once."""

    def __init__(self, system: System) -> None:
        """Read the templates."""
        self._system = system
        self._pages = KitPages(HERE / "templates")

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self._guarded(self._diary), methods=["GET"]),
            Route("/appointments/{id}", self._guarded(self._appointment), methods=["GET"]),
            Route("/appointments/{id}", self._guarded(self._change_appointment), methods=["POST"]),
            Route("/slots", self._guarded(self._change_slots), methods=["POST"]),
            asset_route(),
        ]

    async def _diary(self, request: Request) -> Response:
        asked = request.query_params
        return self._show_diary(request, asked.get("day", ""), asked.get("service", ""))

    def _show_diary(self, request: Request, wanted: str, service: str, refused: Refused | None = None) -> Response:
        """Return the diary of a day; with `refused`, the form of a new slot as it was sent, and its error."""
        known, today = self._system.clinics, self._system.clock.today()
        day, clinics = _day(wanted, today), self._system.clinics.by_id.values()
        shown: dict[str, Any] = {
            "day": day,
            "today": today,
            "service": service,
            "services": [Option(each, known.named(each)) for each in sorted({clinic.service for clinic in clinics})],
            "clinics": [Option(each.id, each.name) for each in clinics if service in {"", each.service}],
            "clinic_days": clinic_days(self._system, day, service or None),
            "earlier": _diary_at(day - timedelta(days=1), service),
            "later": _diary_at(day + timedelta(days=1), service),
            "added": {"clinic": "", "time": ""} if refused is None else refused.sent,
            "errors": {} if refused is None else {"time": refused.error},
        }
        return self._page(request, "diary.html", 200 if refused is None else 409, **shown)

    async def _appointment(self, request: Request) -> Response:
        return self._show_appointment(request)

    def _show_appointment(self, request: Request, refused: Refused | None = None) -> Response:
        """Return the page of an appointment; with `refused`, the form as it was sent, and its error. Raises Unknown."""
        shown = detail(self._system, request.path_params["id"])
        act = "" if refused is None else refused.sent["act"]
        errors = {} if refused is None else {PLACES.get(act, ""): refused.error}

        def control(id: str, name: str, label: str) -> Field:
            is_sent = refused is not None and (PLACES.get(act) == id or (act == "cancel" and id == "cancel-reason"))
            value = refused.sent.get(name, "") if is_sent and refused is not None else ""
            return Field(name, label, value, error=errors.get(id, ""), id=id)

        return self._page(
            request,
            "appointment.html",
            200 if refused is None else 409,
            back=Link("Diary of that day", _diary_at(shown.day, "")),
            shown=shown,
            control=control,
            errors=errors,
            appointment_facts=_facts(shown),
            cancellation_reasons=[
                Option(each.code, f"{each.display} (comment needed)" if each.needs_comment else each.display)
                for each in reasons.CANCELLATION_REASONS
            ],
            non_attendance_reasons=[Option(each.code, each.display) for each in reasons.NON_ATTENDANCE_REASONS],
        )

    async def _change_appointment(self, request: Request) -> Response:
        form, appointment = await read_form(request), str(request.path_params["id"])
        try:
            self._change(form, appointment)
        except (Unfit, SlotTaken, NotPossible) as error:
            return self._show_appointment(request, _refused(form, error))
        return RedirectResponse(f"/appointments/{appointment}", 303)

    def _change(self, form: FormData, appointment: str) -> None:
        """Carry out a form. Raises Unknown, Unfit, SlotTaken, NotPossible."""
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

    async def _change_slots(self, request: Request) -> Response:
        form = await read_form(request)
        day, service = text_of(form, "day"), text_of(form, "service")
        if text_of(form, "act") == "close":
            self._system.slots.close(text_of(form, "slot"))
        else:
            try:
                self._add_slot(form)
            except Unfit as error:
                return self._show_diary(request, day, service, _refused(form, error))
        return RedirectResponse(_diary_at(_day(day, self._system.clock.today()), service), 303)

    def _add_slot(self, form: FormData) -> None:
        try:
            start = datetime.fromisoformat(f"{text_of(form, 'day')}T{text_of(form, 'time')}").replace(tzinfo=LONDON)
        except ValueError as error:
            raise Unfit("give a day and a time, for example 09:30") from error
        self._system.slots.add(text_of(form, "clinic"), start, None)

    def _page(
        self, request: Request, template: str, status: int = 200, *, back: Link | None = None, **shown: Any
    ) -> Response:
        token = form_token(request)
        frame = Frame(SITE, environment=moment_in_words(self._system.clock.now()), back=back)
        response = self._pages.response(template, frame, status, token=token, token_field=FIELD, **shown)
        keep_form_token(response, token)
        return response

    def _guarded(self, handler: Handler) -> Handler:
        """Return the handler; an error becomes a page that explains it."""

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Forged:
                return self._problem(request, 403, "This form is out of date. Go back, reload the page and try again.")
            except Unknown as error:
                return self._problem(request, 404, _sentence(error))
            except (Unfit, SlotTaken, NotPossible) as error:
                return self._problem(request, 409, _sentence(error))

        return guarded

    def _problem(self, request: Request, status: int, text: str) -> Response:
        return self._page(request, "problem.html", status, text=text)


class Refused(NamedTuple):
    """A form as it was sent, and why it was refused."""

    sent: Mapping[str, str]
    error: str


def _refused(form: FormData, error: Exception) -> Refused:
    return Refused({name: text_of(form, name) for name in FIELDS}, _sentence(error))


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _facts(shown: Detail) -> list[Fact]:
    """Return what the page of an appointment says of it."""
    held = shown.held
    always = [
        Fact("State", shown.state),
        Fact("NHS number", shown.nhs_number),
        Fact("UBRN", held.ubrn),
        Fact("Clinic", shown.clinic),
        Fact("Version", str(held.version)),
    ]
    return always + [Fact(name, text) for name, text in (("Reason", held.reason), ("Comment", held.comment)) if text]


def _day(text: str, otherwise: date) -> date:
    """Return the day, if the calendar can show days around it; else `otherwise`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 1970 < day.year < 2100 else otherwise


def _diary_at(day: date, service: str) -> str:
    return f"/?{urlencode({'day': day.isoformat(), **({'service': service} if service else {})})}"
