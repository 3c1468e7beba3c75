"""Workgroups: who is in each, which clinicians it has, and which services it serves. An operator changes the members.

A workgroup has no record of its own: people and services name it as ODS code, slash and name.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response

from openers_client import CallRejected, NotFound, VersionConflict
from openers_client.administration import Person, Registered, Service
from openers_quickconnect.desk import Desk
from openers_quickconnect.problems import said_of
from openers_quickconnect.words import ROLES, words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import small_button
from openers_web.parts.tables import Cell, Row

NAME: Final = "workgroups"
AT_ONCE: Final = 250
"""Records in one call."""
OPERATOR: Final = "ERS_ADMIN"
CLINICIAN: Final = "SERVICE_PROVIDER_CLINICIAN"
_PERSON: Final = re.compile(r"[0-9]{12}", re.ASCII)


@dataclass
class Workgroup:
    """A workgroup with its people and services."""

    name: str
    members: list[Registered[Person]] = field(default_factory=list[Registered[Person]])
    services: list[Service] = field(default_factory=list[Service])

    @property
    def organisation(self) -> str:
        """Return the ODS code of its organisation."""
        return self.name.partition("/")[0]

    @property
    def clinicians(self) -> int:
        """Return the number of members who are provider clinicians at its organisation."""
        return sum(CLINICIAN in _functions(each.value, self.organisation) for each in self.members)


async def workgroups(desk: Desk) -> Response:
    """Show the workgroups of an organisation: the definer's own, or the one that an operator asks for."""
    organisation = desk.role.organisation
    if desk.function == OPERATOR:
        organisation = desk.asked("q").upper()
    found = await _of(desk, organisation) if organisation else {}
    rows = [
        Row(
            [
                Cell(each.name.partition("/")[2], each.organisation, desk.at(NAME, each.name)),
                str(len(each.members)),
                str(each.clinicians),
                "; ".join(sorted(one.name for one in each.services)),
            ]
        )
        for _, each in sorted(found.items())
    ]
    return desk.page(
        "workgroups/list.html",
        current=desk.at(NAME),
        organisation=organisation,
        may_change=desk.function == OPERATOR,
        rows=rows,
    )


async def workgroup(desk: Desk) -> Response:
    """Show the members and services of a workgroup; an operator adds and removes members."""
    name, form = desk.part("workgroup"), await desk.form()
    organisation, _, short = name.partition("/")
    if not organisation or not short:
        return desk.go(desk.at(NAME), "There is no such workgroup.", problem=True)
    if desk.is_sent:
        reply = await _change(desk, name, form)
        if reply is not None:
            return reply
    group = (await _of(desk, organisation)).get(name, Workgroup(name))
    may_change = desk.function == OPERATOR
    return desk.page(
        "workgroups/workgroup.html",
        current=desk.at(NAME),
        back=Link("Workgroups", desk.at(NAME, q=organisation)),
        status=422 if form.errors else 200,
        form=form,
        title=short,
        organisation=organisation,
        may_change=may_change,
        rows=[_member(desk, each, group, may_change=may_change) for each in group.members],
        services=[
            Row([Cell(each.name, f"Number {each.id}", desk.at("services", each.id)), each.location_name or each.site])
            for each in sorted(group.services, key=lambda one: one.name.casefold())
        ],
    )


async def _of(desk: Desk, organisation: str) -> dict[str, Workgroup]:
    """Return the workgroups of an organisation by name, with members and services."""
    found = dict[str, Workgroup]()

    def _named(name: str) -> Workgroup:
        return found.setdefault(name, Workgroup(name))

    async for person in desk.administration.people.all(organisation, AT_ONCE):
        for name in person.value.workgroups if person.value.active else ():
            if name.startswith(f"{organisation}/"):
                _named(name).members.append(person)
    async for service in desk.administration.services.all(organisation, AT_ONCE):
        if service.value.workgroup.startswith(f"{organisation}/"):
            _named(service.value.workgroup).services.append(service.value)
    return found


async def _change(desk: Desk, name: str, form: Form) -> Response | None:
    """Add or remove a member; `None` with errors on the form."""
    removed, added = form.text("remove"), re.sub(r"\s", "", form.text("add"))
    if not removed and not _PERSON.fullmatch(added):
        form.reject("add", "Enter a user id: twelve digits")
        return None
    people = desk.administration.people
    try:
        before = await people.read(removed or added)
        those = before.value.workgroups - {name} if removed else before.value.workgroups | {name}
        await people.replace(before, dataclasses.replace(before.value, workgroups=those))
    except NotFound:
        form.reject("add", "This user id is not registered")
    except VersionConflict:
        form.reject("", "Another user has changed this person at the same moment. Try again")
    except CallRejected as error:
        form.reject("" if removed else "add", said_of(error))
    else:
        change = "has left" if removed else "is a member of"
        return desk.go(desk.at(NAME, name), f"{before.value.name} {change} the workgroup.")
    return None


def _member(desk: Desk, member: Registered[Person], group: Workgroup, *, may_change: bool) -> Row:
    person = member.value
    own = _functions(person, group.organisation)
    allocated = [each.name for each in group.services if person.id in each.allocated_clinicians | each.clinicians]
    named = [each.name for each in group.services if person.id in each.clinicians]
    remove = small_button("Remove", name="remove", value=person.id, about=person.name)
    return Row(
        [
            Cell(person.name, person.id, desk.at("people", "record", person.id) if may_change else ""),
            ", ".join(words(ROLES, each) for each in own) or "None at this organisation",
            "; ".join(sorted(allocated)) or "None",
            "; ".join(sorted(named)) or "None",
            *([remove] if may_change else []),
        ]
    )


def _functions(person: Person, organisation: str) -> tuple[str, ...]:
    return next((each.functions for each in person.roles if each.organisation == organisation), ())
