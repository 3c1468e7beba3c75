"""The services of a definer: a list with filters, and the first step of a new one."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from openers_client import InvalidRequest
from openers_client.administration import Draft, Service
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services.sections import FLOWS
from openers_quickconnect.pages.services.shown import STATES, state_of
from openers_quickconnect.pages.shown import ON_A_PAGE, begin_of
from openers_quickconnect.problems import field_at, said_of
from openers_web.layout import Link
from openers_web.parts.forms import Option
from openers_web.parts.lists import Pill


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
    lines = await _lines(desk)
    text, chosen = desk.asked("q").casefold(), desk.asked("state")
    found = [each for each in lines if text in each.name.casefold() or text == each.id]
    counts = {state: sum(each.state == state for each in found) for state in STATES}
    here = desk.at("services")
    query = f"&q={desk.asked('q')}" if text else ""
    pills = [Pill("All", f"{here}?{query}" if query else here, len(found), not chosen)]
    pills += [
        Pill(words, f"{here}?state={state}{query}", counts[state], chosen == state)
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
        here=f"{here}?state={chosen}{query}",
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
    register = desk.administration.services
    lives = {each.key: each async for each in register.all(_own(desk))}
    drafts = {each.key: each.value async for each in register.drafts()}
    linked = {each.key async for each in desk.administration.pas_links.all() if each.value.active}
    lines = [
        _line(each.value, state_of(each.value, drafts.get(key)), each.version, is_linked=key in linked)
        for key, each in lives.items()
    ]
    new = {key: draft for key, draft in drafts.items() if key not in lives}
    lines += [_line(draft, state_of(None, draft), 0, is_linked=key in linked) for key, draft in new.items()]
    return sorted(lines, key=lambda each: each.name.casefold())


def _own(desk: Desk) -> str | None:
    return desk.role.organisation if desk.function == "SERVICE_DEFINER" else None


def _line(shown: Service | Draft, state: str, version: int, *, is_linked: bool) -> Line:
    kinds = ", ".join(FLOWS.get(each, each) for each in shown.flows) or "Not decided yet"
    place = shown.location_name or shown.site
    return Line(shown.id, shown.name, state, place, kinds, is_linked, version)
