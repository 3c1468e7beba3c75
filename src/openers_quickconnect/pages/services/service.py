"""A service as a list of its sections, each with what is missing, beside what referrers see of it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from openers_client import NotFound
from openers_client.administration import Draft, Finding, Registered, Service, Site
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services.sections import SECTIONS, Section, section_of, told
from openers_quickconnect.pages.services.shown import as_referrers_see, state_of, state_tag
from openers_web.layout import Link
from openers_web.parts.texts import tag


@dataclass(frozen=True)
class Task:
    """A section of the list: its address, and its state."""

    title: str
    address: str
    state: Markup
    missing: tuple[str, ...]


async def service(desk: Desk) -> Response:
    """Show the sections of a service, and what can be done with it."""
    number = desk.part("service")
    draft = await desk.administration.services.read_draft(number)
    live = await live_of(desk, number)
    checked = await desk.administration.services.check(number)
    state = state_of(None if live is None else live.value, draft.value)
    site = await site_of(desk, draft.value.site)
    return desk.page(
        "services/service.html",
        current=desk.at("services"),
        back=Link("Services", desk.at("services")),
        draft=draft.value,
        state=state,
        state_shown=state_tag(state),
        version=0 if live is None else live.version,
        tasks=[_task(desk, number, section, checked.findings) for section in SECTIONS],
        errors=sum(each.kind != "warning" for each in checked.findings),
        publishable=checked.publishable,
        seen=as_referrers_see(draft.value, site.name),
    )


async def live_of(desk: Desk, number: str) -> Registered[Service] | None:
    """Return the live service; `None` if it was never published."""
    try:
        return await desk.administration.services.read(number)
    except NotFound:
        return None


async def site_of(desk: Desk, code: str) -> Site:
    """Return a site; one without a name if it is not there."""
    try:
        return (await desk.administration.sites.read(code)).value
    except NotFound:
        return Site(ods=code, organisation="", name=code, postcode="")


def back_to(desk: Desk, draft: Registered[Draft]) -> Link:
    """Return the link back to the list of sections."""
    return Link(draft.value.name, desk.at("services", draft.key))


def _task(desk: Desk, number: str, section: Section, findings: tuple[Finding, ...]) -> Task:
    of_section = [each for each in findings if section_of(each.place) is section]
    errors = [each for each in of_section if each.kind != "warning"]
    if errors:
        state = tag(f"{len(errors)} to do", "red")
    else:
        state = tag("Look at it", "orange") if of_section else tag("Ready", "green")
    missing = tuple(told(each) for each in of_section)
    return Task(section.title, desk.at("services", number, "sections", section.name), state, missing)
