"""The services of a definer: a list with filters, and the first step of a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.responses import Response

from openers_client import InvalidRequest
from openers_client.administration import Draft, Registered, Service
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services.sections import FLOWS
from openers_quickconnect.pages.services.shown import STATES, state_of
from openers_quickconnect.pages.shown import ON_A_PAGE, begin_of
from openers_quickconnect.problems import field_at, said_of
from openers_web.layout import Link
from openers_web.parts.forms import Option
from openers_web.parts.lists import Pill

MOST_READ: Final = 1000
"""Services that the list counts and searches. An operator opens others by their number."""
T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """A service as the list shows it."""

    id: str
    name: str
    state: str
    place: str
    kinds: str
    is_linked: bool
    version: int


async def services(desk: Desk) -> Response:
    """Show the services and drafts of the definer, all or those of one state, or whose name holds a text."""
    if desk.asked("q").isascii() and desk.asked("q").isdigit():
        return desk.go(desk.at("services", desk.asked("q")))
    lines = await _lines(desk)
    text, chosen = desk.asked("q").casefold(), desk.asked("state")
    found = [each for each in lines if text in each.name.casefold()]
    counts = {state: sum(each.state == state for each in found) for state in STATES}
    here = desk.at("services")
    asked = {"q": desk.asked("q")} if text else {}
    pills = [Pill("All", desk.at("services", **asked), len(found), not chosen)]
    pills += [
        Pill(words, desk.at("services", state=state, **asked), counts[state], chosen == state)
        for state, (words, _) in STATES.items()
        if counts[state]
    ]
    shown = [each for each in found if chosen in ("", each.state)]
    begin = begin_of(desk.asked("from"), len(shown))
    return desk.page(
        "services/list.html",
        current=here,
        lines=shown[begin : begin + ON_A_PAGE],
        pills_shown=pills,
        asked=desk.asked("q"),
        total=len(shown),
        begin=begin,
        on_a_page=ON_A_PAGE,
        here=desk.at("services", state=chosen, **asked),
    )


async def new(desk: Desk) -> Response:
    """Ask for name and site, and save the first draft, which gives the service its number."""
    form, sites = await desk.form(), await sites_of(desk, desk.role.organisation)
    if desk.is_sent:
        name, site = form.required("name", "Enter a name", 255), form.required("site", "Choose a site")
        if not form.errors:
            try:
                made = await desk.administration.services.create_draft(
                    Draft(name=name, organisation=desk.role.organisation, site=site)
                )
            except InvalidRequest as error:
                form.reject(field_at(error.place, ("name", "site")), said_of(error))
            else:
                return desk.go(desk.at("services", made.key), "The draft is saved. Fill in its sections.")
    return desk.page(
        "services/new.html",
        current=desk.at("services"),
        back=Link("Services", desk.at("services")),
        status=422 if form.errors else 200,
        form=form,
        sites=sites,
    )


async def sites_of(desk: Desk, organisation: str) -> list[Option]:
    """Return the open sites of an organisation."""
    found = [each.value async for each in desk.administration.sites.all(organisation)]
    return [Option(each.ods, f"{each.name} ({each.ods})") for each in found if each.closed_on is None]


async def _lines(desk: Desk) -> list[Line]:
    """Return the services and drafts, those of the definer or the first ones of all."""
    register = desk.administration.services
    lives = {each.key: each for each in await _first(register.all(_own(desk)))}
    drafts = {each.key: each.value for each in await _first(register.drafts())}
    linked = {each.key for each in await _first(desk.administration.pas_links.all()) if each.value.active}
    lines = [
        _line(each.value, state_of(each.value, drafts.get(key)), each.version, is_linked=key in linked)
        for key, each in lives.items()
    ]
    new = {key: draft for key, draft in drafts.items() if key not in lives}
    lines += [_line(draft, state_of(None, draft), 0, is_linked=key in linked) for key, draft in new.items()]
    return sorted(lines, key=lambda each: each.name.casefold())


async def _first(found: AsyncIterator[Registered[T]]) -> list[Registered[T]]:
    """Return the first ones of a list, which the services of one provider do not fill."""
    read: list[Registered[T]] = []
    async for each in found:
        read.append(each)
        if len(read) == MOST_READ:
            break
    return read


def _own(desk: Desk) -> str | None:
    return desk.role.organisation if desk.function == "SERVICE_DEFINER" else None


def _line(shown: Service | Draft, state: str, version: int, *, is_linked: bool) -> Line:
    kinds = ", ".join(FLOWS.get(each, each) for each in shown.flows) or "Not decided yet"
    place = shown.location_name or shown.site
    return Line(shown.id, shown.name, state, place, kinds, is_linked, version)
