"""Commissioning: which services the organisations of a commissioner may refer to, and from which day.

Only services that leave it to commissioners are shown: to all others every referrer in England may refer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.responses import Response

from openers_client import CallRejected, NotFound, VersionConflict
from openers_client.administration import CommissioningRule, Registered, Service
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services.sections import FLOWS
from openers_quickconnect.pages.shown import ON_A_PAGE, begin_of
from openers_quickconnect.problems import said_of
from openers_web.dates import day_in_words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.lists import Pill
from openers_web.parts.tables import Cell, Row
from openers_web.parts.texts import Colour, Fact, tag

AT_ONCE: Final = 250
"""Records in one call."""
NAME: Final = "commissioning"
STATES: Final[Mapping[str, tuple[str, Colour]]] = {
    "none": ("No rule", "orange"),
    "rule": ("Has a rule", "green"),
    "withdrawn": ("Withdrawn", "grey"),
}
"""The states of a service for a commissioner: the words and the colour of each."""
DAY: Final = "Enter a day, for example 27 3 2031"
CHANGED: Final = "Another user has changed this rule since you opened the page. Look at it again, then decide"


@dataclass(frozen=True)
class Line:
    """A service, and the rule of the commissioner, if there is one."""

    service: Service
    rule: CommissioningRule | None

    @property
    def state(self) -> str:
        """Return a key of `STATES`."""
        return "none" if self.rule is None else "rule" if self.rule.active else "withdrawn"

    @property
    def since(self) -> str:
        """Return the day from which one may refer; empty if one may not."""
        return "" if self.rule is None or not self.rule.active else day_in_words(self.rule.starts)


async def services(desk: Desk) -> Response:
    """Show the services that commissioners decide about, all or those of one state, or whose name holds a text."""
    lines, text, chosen = await _lines(desk), desk.asked("q").casefold(), desk.asked("state")
    found = [each for each in lines if text in each.service.name.casefold() or text == each.service.id]
    words = {"q": desk.asked("q")} if text else {}
    pills = [Pill("All", desk.at(NAME, **words), len(found), not chosen)]
    for state, (said, _) in STATES.items():
        count = sum(each.state == state for each in found)
        if count:
            pills.append(Pill(said, desk.at(NAME, state=state, **words), count, chosen == state))
    shown = [each for each in found if chosen in ("", each.state)]
    begin = begin_of(desk.asked("from"), len(shown))
    here = {**words, **({"state": chosen} if chosen else {})}
    following = begin + ON_A_PAGE
    return desk.page(
        "commissioning/list.html",
        current=desk.at(NAME),
        rows=[_row(desk, each) for each in shown[begin:following]],
        pills_shown=pills,
        asked=desk.asked("q"),
        said=f"Services {begin + 1} to {min(following, len(shown))} of {len(shown)}",
        previous=desk.at(NAME, **here, **{"from": str(begin - ON_A_PAGE)}) if begin else "",
        following=desk.at(NAME, **here, **{"from": str(following)}) if following < len(shown) else "",
    )


async def rule(desk: Desk) -> Response:
    """Show a service with the rule about it, and save the day from which one may refer."""
    service = (await desk.administration.services.read(desk.part("service"))).value
    before, form = await _rule_of(desk, service), await desk.form()
    if desk.is_sent:
        reply = await _save(desk, service, before, form)
        if reply is not None:
            return reply
    line = Line(service, None if before is None else before.value)
    starts = None if before is None else before.value.starts
    day = [form.text(f"starts-{part}") for part in ("day", "month", "year")]
    if not desk.is_sent and not any(day) and starts is not None:
        day = [str(starts.day), str(starts.month), str(starts.year)]
    return desk.page(
        "commissioning/rule.html",
        current=desk.at(NAME),
        back=Link("Commissioning", desk.at(NAME)),
        status=422 if form.errors else 200,
        form=form,
        title=service.name,
        mark=tag(*STATES[line.state]),
        facts_shown=_facts(service),
        day=day,
        version=0 if before is None else before.version,
        is_for_all=service.commissioning.nationally_available,
        withdraw=desk.at(NAME, service.id, "withdraw") if before is not None and before.value.active else "",
        cancel=desk.at(NAME),
    )


async def withdraw(desk: Desk) -> Response:
    """Ask, and withdraw a rule: its referrals stay."""
    service = (await desk.administration.services.read(desk.part("service"))).value
    before, form = await _rule_of(desk, service), await desk.form()
    here = desk.at(NAME, service.id)
    if before is None:
        return desk.go(here, "This service has no rule of yours.", problem=True)
    if desk.is_sent:
        try:
            await desk.administration.commissioning_rules.end(before)
        except (CallRejected, VersionConflict) as error:
            form.reject("", said_of(error))
        else:
            return desk.go(here, "The rule is withdrawn.")
    return desk.page(
        "services/act.html",
        current=desk.at(NAME),
        back=Link(service.name, here),
        status=422 if form.errors else 200,
        form=form,
        title=f"Withdraw the rule about {service.name}?",
        act="Withdraw",
        consequence="Your organisations cannot refer to this service any more. Referrals under way stay.",
        asks="",
        cancel=here,
    )


async def _save(
    desk: Desk, service: Service, before: Registered[CommissioningRule] | None, form: Form
) -> Response | None:
    starts = _day(form)
    if starts is None:
        form.reject("starts", DAY)
    if form.text("version") != str(0 if before is None else before.version):
        form.reject("", CHANGED)
    if form.errors or starts is None:
        return None
    register = desk.administration.commissioning_rules
    new = CommissioningRule(
        id=_key(desk, service), service=service.id, commissioner=desk.role.organisation, starts=starts
    )
    try:
        if before is None:
            await register.create(new)
        else:
            await register.replace(before, dataclasses.replace(before.value, starts=starts, active=True))
    except VersionConflict:
        form.reject("", CHANGED)
    except CallRejected as error:
        form.reject("", said_of(error))
    else:
        return desk.go(desk.at(NAME, service.id), f"Saved: your organisations may refer from {day_in_words(starts)}.")
    return None


async def _lines(desk: Desk) -> list[Line]:
    own = desk.role.organisation
    registers = desk.administration
    rules = {each.value.service: each.value async for each in registers.commissioning_rules.all(own, AT_ONCE)}
    found = [each.value async for each in registers.services.all(page_size=AT_ONCE)]
    lines = [Line(each, rules.get(each.id)) for each in found if _is_decided_here(each)]
    return sorted(lines, key=lambda each: each.service.name.casefold())


def _is_decided_here(service: Service) -> bool:
    return service.status == "PUBLISHED" and not service.commissioning.nationally_available


def _row(desk: Desk, line: Line) -> Row:
    service = line.service
    return Row(
        [
            Cell(service.name, f"Number {service.id}", desk.at(NAME, service.id)),
            tag(*STATES[line.state]),
            line.since,
            Cell(service.location_name or service.site, service.organisation),
            _accepts(service),
        ]
    )


def _accepts(service: Service) -> str:
    return ", ".join(FLOWS.get(each, each) for each in service.flows)


def _facts(service: Service) -> list[Fact]:
    return [
        Fact("Number", service.id),
        Fact("Provider", service.organisation),
        Fact("Place", service.location_name or service.site),
        Fact("Accepts", _accepts(service)),
        Fact("May refer without a rule", " ".join(sorted(service.commissioning.organisations)) or "None"),
    ]


async def _rule_of(desk: Desk, service: Service) -> Registered[CommissioningRule] | None:
    try:
        return await desk.administration.commissioning_rules.read(_key(desk, service))
    except NotFound:
        return None


def _key(desk: Desk, service: Service) -> str:
    return f"{service.id}-{desk.role.organisation}"


def _day(form: Form) -> date | None:
    try:
        return date(*(int(form.text(f"starts-{part}")) for part in ("year", "month", "day")))
    except ValueError:
        return None
