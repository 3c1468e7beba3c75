"""The page at `/_test/cards`: the card reader of a world for people, with plain forms and no script."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from openers.domain.directory import User
from openers.web.log_in import in_words
from openers.worlds.http.card_acts import CardActs, CardToInsert, cards_of, issue, present_ticket
from openers.worlds.http.control import held_of
from openers.worlds.http.pages import is_form, page, see
from openers.worlds.refusals import BadCall, Refusal
from openers_web.form import BadForm, parse_form
from openers_web.parts.forms import Field, Option

CARDS: Final = "/_test/cards"
MOST_SHOWN: Final = 50
"""Cards of the list; a search finds the others."""


async def show_cards(request: Request, problem: str = "") -> Response:
    """Return the page; with a problem, it says why a form was refused."""
    world = held_of(request).world
    sought = request.query_params.get("find", "").strip()
    holder, found = await cards_of(world, sought, MOST_SHOWN + 1)
    return page(
        "cards.html",
        request,
        400 if problem else 200,
        problem=problem,
        holder=holder,
        ticket=await present_ticket(world),
        find=Field("find", "Name or number of a person", sought),
        card_field=Field("uuid", "Card", error=problem),
        choices=[Option(each.id, f"{each.name}, {each.id}", hint=_roles(each)) for each in found[:MOST_SHOWN]],
        more=len(found) > MOST_SHOWN,
    )


async def act_by_form(request: Request, acts: CardActs) -> Response:
    """Carry out a form of the page, and show the page again."""
    world = held_of(request).world
    if not is_form(request):
        raise BadCall("Send a form of the page, or use PUT /_test/cards/inserted")
    try:
        form = parse_form(await request.body())
        match form.text("act"):
            case "insert":
                if not form.text("uuid"):
                    raise BadCall("Choose a card")
                await acts.insert(CardToInsert(form.text("uuid")), world)
            case "remove":
                await acts.remove(world)
            case "idle":
                await acts.leave_idle(world)
            case "ticket":
                await issue(world, renew=True)
            case "destroy":
                await acts.destroy(world)
            case _:
                raise BadCall("Use a button of the page")
    except (BadForm, Refusal) as error:
        return await show_cards(request, str(error))
    return see(request, CARDS)


def _roles(person: User) -> str:
    roles = [f"{in_words(function)} at {role.organisation}" for role in person.roles for function in role.functions]
    return "; ".join(roles) or "no role"
