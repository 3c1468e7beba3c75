"""Pages of the desk: cases of a partner, and the queue of the agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.pages.partners import partner_of
from openers_portal.rules.cases import (
    IMPACTS,
    OPEN,
    SILENT,
    URGENCIES,
    Case,
    CaseKind,
    Entry,
    Side,
    State,
    Step,
    possible,
)
from openers_portal.rules.desk_questions import answered
from openers_portal.rules.mail import Link, code
from openers_portal.store.cases import Also, NotNow, StoredCase
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form

LONGEST: Final = 8000


async def of_partner(me: Visitor) -> Response:
    """Show the cases of a partner."""
    partner = await partner_of(me)
    data = {
        "partner": partner,
        "cases": _shown(await me.store.cases.of_partner(partner.id)),
        "may_ask": me.covers(Act.ASK_DESK, partner.id),
    }
    return me.show("cases.html", data)


async def new(me: Visitor) -> Response:
    """Show the form of a case, and open it."""
    partner, form = await partner_of(me), await me.form()
    if me.is_sent:
        text = form.required("text", "Tell what happened, what you expected, and how to see it", LONGEST)
        case = _case(me, form)
        if case is not None:
            first = _entry(me, Side.PARTNER, Step.WRITE, text, me.name)
            id = await me.store.cases.open(partner.id, case, first)
            return me.go(f"/partners/{partner.id}/cases/{id}", "The desk has your case. It appears in its queue.")
    data = {
        "partner": partner,
        "kinds": list(CaseKind),
        "environments": list(me.house.environments),
        "impacts": IMPACTS,
        "urgencies": URGENCIES,
    }
    return me.show("case_new.html", data, form=form)


async def case(me: Visitor) -> Response:
    """Show a case of a partner with its conversation; take a step of the partner."""
    partner = await partner_of(me)
    found = await _one(me, partner.id)
    form = await me.form()
    address = f"/partners/{partner.id}/cases/{found.id}"
    if me.is_sent and await is_taken(me, form, found, Side.PARTNER, me.name):
        return me.go(address, "Sent.")
    entries = [each for each in await me.store.cases.entries(found.id) if not each.is_internal]
    steps = possible(found.state, Side.PARTNER) if me.covers(Act.ASK_DESK, partner.id) else []
    data = {
        **of_case(found, entries),
        "partner": partner,
        "steps": steps,
        "address": f"{address}/step",
        "side": "partner",
    }
    return me.show("case.html", data, form=form)


async def queue(me: Visitor) -> Response:
    """Show the open cases of all partners, the most severe first; with `all`, those that have ended too."""
    states = tuple(State) if me.asked("all") else tuple(OPEN)
    found = await me.store.cases.in_states(states)
    names = {each.id: each.partner.name for each in await me.store.partners.all(list({each.partner for each in found}))}
    ordered = sorted(found, key=lambda each: (each.case.severity, each.changed))
    return me.show("desk.html", {"cases": _shown(ordered), "names": names, "shows_all": len(states) > len(OPEN)})


async def work(me: Visitor) -> Response:
    """Show a case to an agent, with internal entries; take a step of the desk."""
    found = await _one(me, None)
    form = await me.form()
    if me.is_sent and await is_taken(me, form, found, Side.DESK, me.name):
        return me.go(f"/desk/{found.id}", "Saved.")
    entries = await me.store.cases.entries(found.id)
    steps = possible(found.state, Side.DESK)
    partner = await me.store.partners.partner(found.partner)
    data = {
        **of_case(found, entries),
        "partner": partner,
        "steps": steps,
        "address": f"/desk/{found.id}",
        "side": "desk",
    }
    return me.show("case.html", data, form=form)


async def _one(me: Visitor, partner: str | None) -> StoredCase:
    """Return the case in the address. Raises NotHere."""
    id = me.part("case")
    found = await me.store.cases.one(int(id), partner) if id.isascii() and id.isdecimal() and len(id) < 10 else None
    if found is None:
        raise NotHere
    return found


async def is_taken(me: Visitor, form: Form, found: StoredCase, side: Side, by: str) -> bool:
    """Take the step of the form; return false with an error in the form if it cannot be taken.

    A person who asked without a log-in gets a message when the desk has written.
    """
    name = form.text("act")
    step = Step(name) if name in tuple(Step) else Step.WRITE
    text = form.text("text")[:LONGEST]
    if not text and step not in SILENT:
        form.reject("text", "Write a text")
        return False
    internal = side is Side.DESK and step is Step.WRITE and form.text("internal") == "yes"
    try:
        entry = msgspec.structs.replace(_entry(me, side, step, text, by), is_internal=internal)
        tells = side is Side.DESK and found.case.email and not internal and step is not Step.TAKE
        await me.store.cases.step(found.id, entry, _telling(me, found) if tells else None)
    except NotNow:
        form.reject("", f"The case is {found.state}: this is not possible now. Reload the page")
        return False
    return True


def _telling(me: Visitor, found: StoredCase) -> Also:
    """Return what stores the message to a person who asked without a log-in, with the entry that causes it."""
    id, now = found.case.asked_without_log_in, me.house.clock()
    link = f"{me.house.settings.base_url}/ask/{id}?code={code(me.house.key, Link.ASK, id)}"
    mail = answered(found.case.email, found.number, link)
    return lambda db: me.store.mails.add(db, mail, f"answer {found.id} {now.timestamp()}")


def _entry(me: Visitor, side: Side, step: Step, text: str, by: str) -> Entry:
    return Entry(at=me.house.clock(), by=by, side=side, step=step, text=text)


def _case(me: Visitor, form: Form) -> Case | None:
    """Return what the form says; `None` if it has errors."""
    kind, environment = form.text("kind"), form.text("environment")
    if kind not in tuple(CaseKind):
        form.reject("kind", "Choose what it is")
    if environment and environment not in me.house.environments:
        form.reject("environment", "Choose an environment of the list")
    impact, urgency = _level(form, "impact"), _level(form, "urgency")
    title = form.required("title", "Enter a title", 150)
    asid, request_id = form.text("asid")[:40], form.text("request_id")[:100]
    if form.errors:
        return None
    return Case(
        kind=CaseKind(kind),
        title=title,
        environment=environment,
        asid=asid,
        request_id=request_id,
        impact=impact,
        urgency=urgency,
        raised_by=me.name,
    )


def _level(form: Form, name: str) -> int:
    text = form.text(name)
    if text not in ("1", "2", "3", "4", "5"):
        form.reject(name, "Choose one")
        return len(IMPACTS)
    return int(text)


def of_case(found: StoredCase, entries: Sequence[Entry]) -> dict[str, object]:
    """Return what a page shows of a case."""
    return {
        "case": found,
        "severity": found.case.severity,
        "impact": IMPACTS[found.case.impact - 1],
        "urgency": URGENCIES[found.case.urgency - 1],
        "entries": entries,
    }


def _shown(cases: Sequence[StoredCase]) -> list[dict[str, object]]:
    return [{"case": each, "severity": each.case.severity} for each in cases]
