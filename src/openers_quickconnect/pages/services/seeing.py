"""The PAS of a service, and why a referrer sees the service and its next slots, or not."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from starlette.responses import Response

from openers_client import CallRejected, InvalidRequest, NotFound
from openers_client.administration import PasLink, Registered, SlotVisibility, Visibility, VisibilityQuestion
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services.service import back_to
from openers_quickconnect.problems import field_at, said_of
from openers_quickconnect.words import PRIORITIES, SEXES
from openers_web.dates import moment_in_words
from openers_web.form import Form
from openers_web.parts.forms import Option

MOST_SLOTS: Final = 40
PRIORITY_OPTIONS: Final = [Option("", "Any"), *(Option(code, text) for code, text in PRIORITIES.items())]
SEX_OPTIONS: Final = [Option("", "Any"), *(Option(code, text) for code, text in SEXES.items())]
NAMES: Final = ("organisation", "priority", "age", "sex", "user", "slot")


async def pas(desk: Desk) -> Response:
    """Show the PAS link; set it, end it, or poll the PAS now."""
    number = desk.part("service")
    draft, form, link = await desk.administration.services.read_draft(number), await desk.form(), await _link(desk)
    here = desk.at("services", number, "pas")
    if desk.is_sent:
        try:
            said = await _changed(desk, form, link)
        except CallRejected as error:
            form.reject(field_at(error.place, ("url", "client_id")), said_of(error))
        else:
            if said:
                return desk.go(here, said)
    return desk.page(
        "services/pas.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        status=422 if form.errors else 200,
        form=form,
        link=None if link is None else link.value,
        seen_at=desk.at("services", number, "seen"),
    )


async def seen(desk: Desk) -> Response:
    """Show whether a referrer sees the service and its next slots, and what hides them."""
    number = desk.part("service")
    draft = await desk.administration.services.read_draft(number)
    form = Form([(name, desk.asked(name)) for name in NAMES if desk.asked(name)])
    told: Visibility | None = None
    if form.text("organisation"):
        try:
            told = await desk.administration.services.visibility(number, _referrer(form))
        except InvalidRequest as error:
            form.reject(field_at(error.place, NAMES), said_of(error))
    return desk.page(
        "services/seen.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        status=422 if form.errors else 200,
        form=form,
        draft=draft.value,
        told=told,
        slots=[] if told is None else [_slot(each) for each in told.slots[:MOST_SLOTS]],
        more=0 if told is None else max(0, len(told.slots) - MOST_SLOTS),
        priorities=PRIORITY_OPTIONS,
        sexes=SEX_OPTIONS,
    )


async def _link(desk: Desk) -> Registered[PasLink] | None:
    try:
        return await desk.administration.pas_links.read(desk.part("service"))
    except NotFound:
        return None


async def _changed(desk: Desk, form: Form, link: Registered[PasLink] | None) -> str:
    """Make the change of the button that was pressed; return what to say, empty if the form has errors."""
    number, act = desk.part("service"), form.text("act")
    if act == "poll":
        changed = await desk.administration.services.poll(number)
        return f"The PAS was polled. {changed} slots have changed."
    if act == "end" and link is not None:
        await desk.administration.pas_links.end(link)
        return "The link has ended. No slot is offered; appointments can still be cancelled."
    url = form.required("url", "Enter the FHIR address of the PAS")
    client_id = form.required("client_id", "Enter the application of the PAS")
    if form.errors:
        return ""
    wanted = PasLink(service=number, url=url, client_id=client_id)
    register = desk.administration.pas_links
    await (register.create(wanted) if link is None else register.replace(link, wanted))
    return "The service is linked. Its slots appear after the first poll."


def _referrer(form: Form) -> VisibilityQuestion:
    age = form.text("age")
    return VisibilityQuestion(
        organisation=form.text("organisation").upper(),
        priority=form.text("priority") or None,
        age=int(age) if age.isascii() and age.isdigit() and len(age) < 4 else None,
        sex=form.text("sex") or None,
        user=form.text("user") or None,
        slot=form.text("slot") or None,
    )


def _slot(slot: SlotVisibility) -> tuple[str, SlotVisibility]:
    return moment_in_words(datetime.fromisoformat(slot.start)), slot
