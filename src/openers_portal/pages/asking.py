"""Pages of a question without a log-in: its form, and the question itself behind the link of a message."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from openers_portal.pages.cases import LONGEST, is_taken, of_case
from openers_portal.pages.interest import TOO_MANY
from openers_portal.rules.cases import Side, possible
from openers_portal.rules.desk_questions import DeskQuestion
from openers_portal.rules.mail import LONGEST_ADDRESS, Link, code, is_code, source
from openers_portal.rules.partners import MAIL
from openers_portal.store.interests import TooMany
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form

LONGEST_TITLE: Final = 150


async def ask(me: Visitor) -> Response:
    """Show the form, and send a message to the address that it gives."""
    form, asked = await me.form(), False
    if me.is_sent and me.house.settings.sends_mail:
        wanted = _read(form)
        if not form.errors:
            client = me.request.client
            caller = source(me.house.key, client.host if client else "")
            try:
                await me.store.desk_questions.ask(wanted, lambda id: link_of(me, id), caller)
            except TooMany:
                form.reject("", "Too many messages were asked for from your network. Try again in an hour")
                return me.show("ask.html", {"asked": False}, form=form, status=TOO_MANY)
            asked = True
    return me.show("ask.html", {"asked": asked}, form=form)


async def question(me: Visitor) -> Response:
    """Show a question; send it to the desk, or take a step of its case. Raises NotHere without the code of the link."""
    id, form = me.part("id"), await me.form()
    found = await me.store.desk_questions.one(id) if is_code(me.house.key, Link.ASK, id, me.asked("code")) else None
    if found is None:
        raise NotHere
    if not found.case:
        if me.is_sent and await me.store.desk_questions.confirm(id) is not None:
            return me.go(link_of(me, id))
        return me.show("ask_confirm.html", {"question": found.question}, form=form)
    case = await me.store.cases.one(found.case, None)
    if case is None:
        raise NotHere
    if me.is_sent and await is_taken(me, form, case, Side.PARTNER, found.question.name or "Guest"):
        return me.go(link_of(me, id))
    data = {
        **of_case(case, [each for each in await me.store.cases.entries(case.id) if not each.is_internal]),
        "partner": None,
        "steps": possible(case.state, Side.PARTNER),
        "address": link_of(me, id),
        "side": "guest",
    }
    return me.show("case.html", data, form=form)


def link_of(me: Visitor, id: str) -> str:
    """Return the address of a question, which proves itself."""
    return f"{me.house.settings.base_url}/ask/{id}?code={code(me.house.key, Link.ASK, id)}"


def _read(form: Form) -> DeskQuestion:
    """Return what the form says; record its errors."""
    email = form.required("email", "Enter your e-mail address", LONGEST_ADDRESS)
    if email and not MAIL.fullmatch(email):
        form.reject("email", "Enter an address such as name@example.org")
    return DeskQuestion(
        email=email,
        name=" ".join(form.text("name").split())[:100],
        title=form.required("title", "Enter a title", LONGEST_TITLE),
        text=form.required("text", "Write your question", LONGEST),
    )
