"""A desk: one request of one user in one role, with what every page needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers_client import Role
from openers_client.administration import Administration
from openers_client.caller import Caller
from openers_client.requests.patients import PatientSearch
from openers_quickconnect import records
from openers_quickconnect.lists import REFERRERS, worklists_of
from openers_quickconnect.questions import Questions
from openers_quickconnect.records import FoundNames, Overview, Person
from openers_quickconnect.sealed import Seal
from openers_quickconnect.views import SavedViews, View
from openers_quickconnect.words import REGISTERS, ROLES, words
from openers_quickconnect.world_clock import WorldClock
from openers_web.csrf import FORM_TOKEN
from openers_web.form import Form
from openers_web.layout import Account, Frame, Link, Pages, Search, Site
from openers_web.log_in.gate import Gate, Visit
from openers_web.parts.forms import hidden
from openers_web.parts.texts import Flash

MOST_NAMES: Final = 100


@dataclass(frozen=True)
class Office:
    """What all desks of the application share."""

    gate: Gate
    site: Site
    pages: Pages
    seal: Seal
    clock: WorldClock
    questions: Questions
    views: SavedViews


class Desk:
    """One request of one user in one role. Pages are functions of a desk."""

    def __init__(self, request: Request, office: Office, visit: Visit, caller: Caller, role: Role) -> None:
        """Store who asks for what; `caller` makes the calls in `role`."""
        self.request: Final = request
        self.caller: Final = caller
        self.role: Final = role
        self.visit: Final = visit
        self._office: Final = office
        self.environment = ""
        """The clock of the world, in test mode."""
        self.flashes: tuple[Flash, ...] = ()
        """Messages of the page before, for this one."""
        self.said: Flash | None = None
        """The message for the next page."""

    @property
    def function(self) -> str:
        """Return the business function of the role."""
        return self.role.business_function

    @property
    def administration(self) -> Administration:
        """Return the registers, for the roles of definers, commissioners and operators."""
        return self.caller.administration

    @property
    def seal(self) -> Seal:
        """Return the seal of NHS numbers in addresses."""
        return self._office.seal

    @property
    def questions(self) -> Questions:
        """Return the questions for advice that this application remembers."""
        return self._office.questions

    async def remember(self, ubrns: Iterable[str]) -> None:
        """Remember open questions for advice, for a referrer's organisation."""
        if self.function in REFERRERS:
            await self.questions.remember(self.role.organisation, list(ubrns))

    async def views(self, worklist: str) -> list[View]:
        """Return the views of a worklist that the user has saved in this role."""
        return await self._office.views.of(self.visit.session.person.subject, role_key(self.role), worklist)

    async def save_view(self, view: View) -> None:
        """Keep a view for the user in this role. Raises TooManyViews."""
        await self._office.views.save(self.visit.session.person.subject, role_key(self.role), view)

    async def remove_view(self, worklist: str, name: str) -> None:
        """Remove a view of the user in this role."""
        await self._office.views.remove(self.visit.session.person.subject, role_key(self.role), worklist, name)

    def at(self, *parts: str, **query: str) -> str:
        """Return the address of a page in this role."""
        path = "/".join(("", "as", role_key(self.role), *(quote(part, safe="") for part in parts)))
        return f"{path}?{urlencode(query)}" if query else path

    def part(self, name: str) -> str:
        """Return a part of this page's address."""
        return str(self.request.path_params[name])

    def asked(self, name: str) -> str:
        """Return a value of the query; empty if there is none."""
        return self.request.query_params.get(name, "").strip()

    async def form(self) -> Form:
        """Return the form that was sent; for a page that is only read, what was typed when a session ended.

        Raises BadForm, Forged, LogInNeeded.
        """
        if self.is_sent:
            return (await self._office.gate.form(self.request))[1]
        return await self._office.gate.draft(self.visit, self.request.url.path) or Form()

    @property
    def is_sent(self) -> bool:
        """Return whether a form was sent."""
        return self.request.method == "POST"

    def check(self, token: str) -> None:
        """Raise Forged unless a form with files is ours."""
        self._office.gate.check(self.request, token)

    def token(self) -> Markup:
        """Return the hidden field that each form needs."""
        return hidden(FORM_TOKEN, self.visit.form_token)

    def page(
        self, template: str, *, current: str = "", back: Link | None = None, status: int = 200, **shown: Any
    ) -> Response:
        """Return a page. `current` is the navigation's entry."""
        frame = self.frame(current, back)
        return self._office.pages.response(template, frame, status, desk=self, **shown)

    def go(self, address: str, said: str = "", *, problem: bool = False) -> Response:
        """Send the browser to another page, which shows the message `said` once."""
        if said:
            self.said = Flash(said, "problem" if problem else "success")
        return RedirectResponse(address, 303)

    def frame(self, current: str = "", back: Link | None = None) -> Frame:
        """Return the frame of a page in this role."""
        account = Account(
            name=self.visit.session.person.name,
            role=f"{words(ROLES, self.function)} · {self.role.organisation}",
            form_token=self.visit.form_token,
            change_role="/",
        )
        administers = self.function in REGISTERS
        navigation = [] if administers else [Link("Home", self.at())]
        if self.function.startswith("REFERRING"):
            navigation.append(Link("Patients", self.at("patients")))
        navigation += [Link(each.title, self.at("worklists", each.name)) for each in worklists_of(self.function)]
        navigation += [Link(title, self.at(name)) for name, title in REGISTERS.get(self.function, {}).items()]
        first = next(iter(REGISTERS.get(self.function, ())), "find")
        search = Search(self.at(first), "Service" if administers else "Referral number (UBRN)")
        return Frame(
            site=self._office.site,
            navigation=navigation,
            current=current,
            account=account,
            search=search,
            environment=self.environment,
            back=back,
            flashes=self.flashes,
        )

    async def names(
        self, patients: Iterable[str] = (), people: Iterable[str] = (), organisations: Iterable[str] = ()
    ) -> FoundNames:
        """Return the names behind identifiers, in as few calls as possible (X003)."""
        asked = (_once(patients), _once(people), _once(organisations))
        found = await self.caller.find_names(*asked) if any(asked) else ()
        known = [records.person(each.resource) for each in found if each.kind == "patient"]
        return FoundNames(
            patients={each.nhs_number: each for each in known},
            people={each.id: each.name for each in found if each.kind == "person"},
            organisations={each.id: each.name for each in found if each.kind == "organisation"},
        )

    async def find_patient(self, nhs_number: str) -> Person:
        """Return the patient with a number (X004). Raises InvalidRequest if there is none."""
        found = await self.caller.find_patients(PatientSearch(nhs_number=nhs_number))
        return records.person(found.patients[0].resource)

    async def find_patients(self, search: PatientSearch) -> tuple[list[Person], bool]:
        """Return the patients that fit, and whether these are all (X004)."""
        found = await self.caller.find_patients(search)
        return [records.person(each.resource) for each in found.patients], found.complete

    async def requests_of(self, nhs_number: str) -> list[Overview]:
        """Return the requests of a patient, newest first (X005)."""
        return [records.overview(each.resource) for each in await self.caller.patient_requests(nhs_number)]

    async def overviews(self, ubrns: Iterable[str]) -> list[Overview]:
        """Return the overviews of up to 100 requests (X006)."""
        return [records.overview(each.resource) for each in await self.caller.overviews(_once(ubrns))]


def role_key(role: Role) -> str:
    """Return a role as it stands in addresses: `D82106.REFERRING_CLINICIAN`, with the clinician acted for, if any."""
    parts = (role.organisation, role.business_function, role.on_behalf_of)
    return ".".join(part for part in parts if part)


def role_of(key: str) -> Role | None:
    """Return the role that stands in an address; `None` if it is none."""
    parts = key.split(".")
    if len(parts) not in (2, 3):
        return None
    try:
        return Role(parts[0], parts[1], parts[2] if len(parts) == 3 else None)
    except ValueError:
        return None


def _once(each: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(one for one in each if one))[:MOST_NAMES]
