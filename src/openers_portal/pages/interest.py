"""Pages of the interest list: form, links of messages, the list for editors, and the outbox of test mode."""

from __future__ import annotations

from typing import Final

from starlette.responses import PlainTextResponse, Response

from openers_portal.rules.interest import Interest
from openers_portal.rules.mail import LONGEST_ADDRESS, Link, code, is_code, source
from openers_portal.rules.partners import MAIL
from openers_portal.store.interests import TooMany
from openers_portal.visitor import NotHere, Visitor
from openers_web.csv_files import csv_response

TOO_MANY: Final = 429


async def interest(me: Visitor) -> Response:
    """Show the form, and send a message to the address that it gives."""
    form, asked = await me.form(), False
    if me.is_sent and me.house.settings.sends_mail:
        email = form.required("email", "Enter an e-mail address", LONGEST_ADDRESS)
        if email and not MAIL.fullmatch(email):
            form.reject("email", "Enter an address such as name@example.org")
        if not form.errors:
            wanted = Interest(email=email, name=form.text("name")[:200], organisation=form.text("organisation")[:200])
            client = me.request.client
            caller = source(me.house.key, client.host if client else "")
            try:
                await me.store.interests.ask(wanted, lambda id: link(me, Link.CONFIRM, id), caller)
            except TooMany:
                form.reject("", "Too many messages were asked for from your network. Try again in an hour")
                return me.show("interest.html", {"asked": False}, form=form, status=TOO_MANY)
            asked = True
    return me.show("interest.html", {"asked": asked}, form=form)


async def confirm(me: Visitor) -> Response:
    """Ask whether to put an address on the list, and do it. Raises NotHere without the code of the link."""
    id, form = _id(me, Link.CONFIRM), await me.form()
    done = False
    if me.is_sent:
        done = await me.store.interests.confirm(id)
        if not done:
            form.reject("", "The address is not here any more: it was not confirmed in time, or has left the list")
    return me.show("interest_link.html", {"act": Link.CONFIRM, "done": done}, form=form)


async def leave(me: Visitor) -> Response:
    """Ask whether to delete an address, and do it. A mail program does it without asking. Raises NotHere."""
    id = _id(me, Link.LEAVE)
    if me.is_sent:
        await me.store.interests.leave(id)
        if me.wants_json or "text/html" not in me.request.headers.get("accept", ""):
            return PlainTextResponse("Deleted.\n")
    return me.show("interest_link.html", {"act": Link.LEAVE, "done": me.is_sent})


async def everybody(me: Visitor) -> Response:
    """Show the list."""
    return me.show("interest_list.html", {"people": await me.store.interests.all()})


async def export(me: Visitor) -> Response:
    """Return the list as CSV."""
    people = await me.store.interests.all()
    rows = [
        (each.interest.email, each.interest.name, each.interest.organisation, each.at.isoformat()) for each in people
    ]
    return csv_response("interest-list.csv", ("E-mail", "Name", "Organisation", "Since"), rows)


async def outbox(me: Visitor) -> Response:
    """Show the latest messages, which nobody outside gets. Raises NotHere in production."""
    if not me.house.settings.test_mode:
        raise NotHere
    return me.show("outbox.html", {"mails": await me.store.mails.latest()})


def link(me: Visitor, kind: Link, id: str) -> str:
    """Return the address of a link in a message."""
    return f"{me.house.settings.base_url}/interest/{kind}/{id}?code={code(me.house.key, kind, id)}"


def _id(me: Visitor, kind: Link) -> str:
    id = me.part("id")
    if not is_code(me.house.key, kind, id, me.asked("code")):
        raise NotHere
    return id
