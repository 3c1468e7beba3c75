"""Pages of smartcards: those of a partner, and the form that asks for new ones or for roles on an existing one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.environment import EnvironmentDown
from openers_portal.issuing import finish
from openers_portal.pages.partners import partner_of
from openers_portal.rules import cards as rules
from openers_portal.rules.cards import MOST_NEW, Card, CardState
from openers_portal.rules.endpoints import ODS
from openers_portal.store.cards import TooManyCards
from openers_portal.visitor import Visitor
from openers_web.form import Form

REQUEST_BYTES: Final = 8
LONGEST_NAME: Final = 100


async def of_partner(me: Visitor) -> Response:
    """Show the cards of a partner."""
    partner = await partner_of(me)
    readers = {name: each.settings.base_url for name, each in me.house.environments.items() if each.settings.test_mode}
    data = {
        "partner": partner,
        "cards": await me.store.cards.of_partner(partner.id),
        "readers": readers,
        "may_ask": me.covers(Act.CARDS, partner.id),
    }
    return me.show("cards.html", data)


async def new(me: Visitor) -> Response:
    """Show the form of a request, and issue what it asks for at once."""
    partner, form = await partner_of(me), await me.form()
    names = [name for name, each in me.house.environments.items() if each.settings.test_mode]
    if me.is_sent:
        wanted = _read(me, form, names)
        if wanted and not wanted[0].is_new and not await _is_own(me, partner.id, wanted[0]):
            error = "No person of your partner has this card. A manager adds the holder on the page of its people"
            form.reject("uuid", error)
        if not form.errors:
            reply = await _issued(me, form, wanted)
            if reply is not None:
                return reply
    request = form.text("request") or secrets.token_hex(REQUEST_BYTES)
    data = {
        "partner": partner,
        "environments": names,
        "roles": rules.ROLES,
        "request": request,
        "most": MOST_NEW,
    }
    return me.show("card_new.html", data, form=form)


async def _issued(me: Visitor, form: Form, wanted: Sequence[Card]) -> Response | None:
    """Store a request and issue its cards; `None` with an error in the form if the environment refuses it."""
    partner, request = me.part("partner"), form.text("request")
    place = f"/partners/{partner}/cards"
    try:
        stored = await me.store.cards.ask(partner, request, wanted)
    except TooManyCards:
        form.reject("", f"A partner gets at most {rules.MOST_OF_PARTNER} cards. Ask the desk for more")
        return None
    try:
        for each in stored:
            refusal = await finish(each, me.store, me.house.environments)
            if refusal:
                form.reject("", refusal)
                await me.store.cards.withdraw(partner, request)
                return None
    except EnvironmentDown as error:
        return me.go(place, f"{error}. The cards are issued as soon as it does.", problem=True)
    return me.go(place, "The cards are issued." if stored[0].card.is_new else "The card has the roles.")


async def _is_own(me: Visitor, partner: str, card: Card) -> bool:
    """Return whether the holder of an existing card belongs to the partner."""
    if card.uuid in {me.subject, *(each.subject for each in await me.store.partners.members(partner))}:
        return True
    issued = [each.card for each in await me.store.cards.of_partner(partner) if each.state is CardState.ISSUED]
    return any((each.environment, each.uuid) == (card.environment, card.uuid) for each in issued)


def _read(me: Visitor, form: Form, environments: Sequence[str]) -> Sequence[Card]:
    """Return the cards that the form asks for; none if it has errors."""
    environment, is_new = form.text("environment"), form.text("kind") == "new"
    if environment not in environments:
        form.reject("environment", "Choose the environment")
    if form.text("kind") not in ("new", "existing"):
        form.reject("kind", "Choose new cards or an existing one")
    holders = _holders(form) if is_new else [(form.text("uuid"), "")]
    if form.text("kind") == "existing" and not rules.UUID.fullmatch(form.text("uuid")):
        form.reject("uuid", "Enter the 12 digits of the card")
    organisation = form.required("organisation", "Enter the ODS code of the organisation", 40).upper()
    if organisation and not ODS.fullmatch(organisation):
        form.reject("organisation", "Use 3 to 10 letters and digits, such as D82106")
    functions = tuple(each for each in rules.ROLES if each in form.texts("roles"))
    if not functions:
        form.reject("roles", "Choose at least one role")
    workgroups: tuple[str, ...] = ()
    try:
        workgroups = rules.read_workgroups(form.text("workgroups"))
    except ValueError as error:
        form.reject("workgroups", str(error))
    request = form.text("request")
    if len(request) != 2 * REQUEST_BYTES or not request.isalnum() or not request.isascii():
        form.reject("", "The form is not whole. Open it again")
    return [
        Card(
            environment=environment,
            uuid=uuid,
            is_new=is_new,
            name=name,
            organisation=organisation,
            functions=functions,
            workgroups=workgroups,
            by=me.name,
        )
        for uuid, name in holders
    ]


def _holders(form: Form) -> list[tuple[str, str]]:
    """Return a new number and the name of each holder; record errors."""
    names = [each.strip() for each in form.text("names").split("\n") if each.strip()]
    if not 1 <= len(names) <= MOST_NEW:
        form.reject("names", f"Enter the names of the holders, one a line, at most {MOST_NEW}")
    elif any(len(each) > LONGEST_NAME or not each.isprintable() for each in names):
        form.reject("names", f"Use at most {LONGEST_NAME} visible characters for a name")
    return [(rules.new_uuid(), each) for each in names]
