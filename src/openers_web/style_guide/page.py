"""The page of the style guide, as HTML and as a small application of its own (`python -m openers_web.style_guide`)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers_web.assets import asset_route
from openers_web.layout import Account, Frame, Link, Pages, Search, Site
from openers_web.parts import forms, lists, tables, texts
from openers_web.parts.forms import Field, Option
from openers_web.parts.tables import Cell, Column, Row
from openers_web.parts.texts import Entry, Fact, Flash, Tab

PATH: Final = "/style-guide"
SITE: Final = Site(
    "Style guide", home=PATH, footer=(Link("Parts", f"{PATH}#parts"), Link("Confirmation", f"{PATH}/confirm"))
)
FOLDER: Final = Path(__file__).parent / "templates"
NAVIGATION: Final = (
    Link("All parts", PATH, count=14),
    Link("Confirmation", f"{PATH}/confirm"),
    Link("Error page", f"{PATH}/problem"),
    Link("Empty page", f"{PATH}/plain"),
)
HOSTILE: Final = "<script>alert(1)</script>\"'&"
"""Text that every part must show as text."""
LONG: Final = "Pneumonoultramicroscopicsilicovolcanoconiosis-and-other-words-without-a-blank"


def frame(current: str = PATH) -> Frame:
    """Return a frame with everything that a frame can show."""
    return Frame(
        site=SITE,
        navigation=NAVIGATION,
        current=current,
        account=Account("Dr Alex Smith", "Referring clinician, Parkview Surgery (D82106)", "token", change_role=PATH),
        search=Search(PATH, "UBRN or NHS number"),
        environment="World main, 1 August 2026, 09:00",
        trail=(Link("Worklists", PATH), Link("Awaiting review", PATH)),
        flashes=(
            Flash("The referral was accepted."),
            Flash("The letter is locked from tomorrow.", "warning"),
            Flash("The appointment was not booked: the slot is taken.", "problem"),
        ),
    )


def fields(error: bool) -> Markup:
    """Return every form control, with or without an error."""
    told = "Enter the reason for the change" if error else ""
    suffix = "-error" if error else ""
    choice = (
        Option("routine", "Routine"),
        Option("urgent", "Urgent", "Within two weeks"),
        Option("x", HOSTILE, HOSTILE),
    )

    def field(name: str, label: str, value: str = "") -> Field:
        return Field(name + suffix, label, value, "A hint that helps", told)

    return Markup("").join(
        (
            forms.text_input(field("text", "Text", HOSTILE), width=20),
            forms.text_input(field("number", "Number", "14"), "number", width=4),
            forms.text_input(field("time", "Time", "09:30"), "time", width=10),
            forms.date_input(field("date", "Date of birth"), "27", "3", "1984"),
            forms.select(field("select", "Priority", "urgent"), choice),
            forms.radios(field("radio", "Choose one", "urgent"), choice),
            forms.checkboxes(field("check", "Choose any"), choice, ("routine",)),
            forms.textarea(field("area", "Comment", HOSTILE)),
            forms.textarea(field("counted", "Advice"), at_most=200),
            forms.file_upload(field("file", "Letter"), accept=".pdf,.docx"),
        )
    )


def worklist() -> Markup:
    """Return a table in all its states."""
    columns = (
        *(Column("Patient"), Column("Priority", "short"), Column("Service"), Column("State")),
        *(Column("Waiting", "number"), Column("Act", "short")),
    )
    act = forms.small_button("Accept", about="Halim Berry")
    rows = (
        _row("Halim Berry", texts.tag("Two week wait", "red"), Cell("15 days", "due 27 Jul", breach=True), act),
        _row("Ros Wood", texts.tag("Urgent", "orange"), Cell("3 days", "due 8 Aug"), act, current=True),
        _row(HOSTILE, texts.tag("Routine"), Cell("1 day"), act),
        _row(LONG, texts.tag("Routine"), Cell(""), act),
    )
    return tables.table("Referrals awaiting review", columns, rows)


def _row(patient: str, priority: Markup, waiting: Cell, act: Markup, current: bool = False) -> Row:
    name = Cell(patient, texts.nhs_number("9991230034"), href=f"{PATH}#parts")
    return Row(
        (name, priority, Cell("Cardiology clinic", "Cardiology"), Cell("Awaiting review"), waiting, act), current
    )


def parts() -> dict[str, Any]:
    """Return what the template of the parts shows."""
    at = datetime(2026, 8, 1, 8, 0, tzinfo=UTC)
    return {
        "plain_fields": fields(error=False),
        "fields_with_errors": fields(error=True),
        "errors": {
            "text-error": "Enter the reason for the change",
            "": "The referral was changed by another user",
        },
        "worklist": worklist(),
        "no_rows": tables.table("Nothing", (Column("Patient"),), (), empty="No referral awaits review."),
        "entries": (
            Entry(at, "Referral created", HOSTILE),
            Entry(at.replace(month=10, day=25, hour=1), "Accepted"),
        ),
        "facts_shown": (
            Fact("NHS number", texts.nhs_number("9991230034")),
            Fact("Name", HOSTILE),
            Fact("Note", LONG),
        ),
        "tabs_shown": (
            Tab("one", "Letter", Markup("<p>Letter</p>")),
            Tab("two", "History", Markup("<p>Events</p>")),
        ),
        "pills_shown": (
            *(lists.Pill("All", PATH, 34, current=True), lists.Pill("Two week wait", f"{PATH}?p=1", 2)),
            *(lists.Pill("Urgent", f"{PATH}?p=2", 8), lists.Pill("Without a count", f"{PATH}?p=3")),
        ),
        "people": ("Dr Alex Smith", "Sister Jo Field", "Mr Lee Ward"),
        "long": LONG,
    }


def style_guide_routes(pages: Pages) -> list[Route]:
    """Return the routes of the guide. `pages` is made from `FOLDER`."""

    async def _parts(request: Request) -> Response:
        return pages.response("style_guide.html", frame(), **parts())

    async def _confirm(request: Request) -> Response:
        return pages.response(
            "kit/confirm.html",
            frame(f"{PATH}/confirm"),
            question="Reset world main?",
            consequence="All referrals of this world are deleted. This cannot be undone.",
            action=PATH,
            act="Reset world",
            cancel=PATH,
            fields=forms.hidden("world", "main"),
        )

    async def _problem(request: Request) -> Response:
        return pages.problem(frame(f"{PATH}/problem"), 404, "Page not found", "Check the address, or search for it.")

    async def _plain(request: Request) -> Response:
        bare = Frame(Site("Style guide", home=PATH, notice=""))
        return pages.page(bare, "A page without anything", Markup("<p>No navigation, no account, no banner.</p>"))

    return [
        Route(PATH, _parts),
        Route(f"{PATH}/confirm", _confirm),
        Route(f"{PATH}/problem", _problem),
        Route(f"{PATH}/plain", _plain),
    ]


def application() -> Starlette:
    """Return the guide as an application."""
    return Starlette(routes=[asset_route(), *style_guide_routes(Pages(FOLDER))])
