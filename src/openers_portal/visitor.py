"""A visitor: one request, who sends it in which roles, and what a page returns: data, shown as HTML or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec
from markupsafe import Markup
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers_portal.access import LOGGED_IN, Act, Reach, Role, reach
from openers_portal.assessments import Assessments
from openers_portal.environment import Environment
from openers_portal.rules.plain_text import html_of
from openers_portal.settings import Settings
from openers_portal.store.portal_store import PortalStore
from openers_web.csrf import FORM_TOKEN
from openers_web.form import BadForm, Form, read_form
from openers_web.headers import PAGE_HEADERS
from openers_web.layout import Account, Frame, Link, Pages, Search, Site
from openers_web.log_in.gate import Gate, Visit
from openers_web.log_in.routes import LOG_IN
from openers_web.parts.forms import hidden
from openers_web.parts.texts import Flash

API: Final = "/api/v1"
MOST_WITH_FILE: Final = 64_000
OK: Final = 200
JSON: Final = "application/json"
PUBLIC: Final = (
    Link("Overview", "/"),
    Link("Get connected", "/get-connected"),
    Link("Catalogue", "/catalogue"),
    Link("Questions", "/faq"),
    Link("Notices", "/notices"),
    Link("Environments", "/environments"),
)


class Roles(NamedTuple):
    """The roles of a person: as a member of staff, and at partners by the partner's id."""

    staff: frozenset[Role] = frozenset()
    partners: Mapping[str, Role] = {}


class NotHere(Exception):
    """There is no such record that this visitor may see; nothing tells the two cases apart."""


class NotYours(Exception):
    """The visitor is logged in and may not do this. `act` is what was tried."""

    def __init__(self, act: Act) -> None:
        """Keep the act."""
        super().__init__(act)
        self.act = act


@dataclass(frozen=True)
class House:
    """What all visitors share: settings, store, templates, log-in, assessments and clock."""

    settings: Settings
    store: PortalStore
    pages: Pages
    gate: Gate
    site: Site
    environments: Mapping[str, Environment]
    assessments: Assessments
    clock: Callable[[], datetime]
    key: bytes


def _storable(form: Form) -> Form:
    """Return the form. Raises BadForm for a character that PostgreSQL cannot store."""
    if any("\0" in value for _, value in form.pairs):
        raise BadForm(400, "The form has a character that cannot be stored (NUL). Remove it.")
    return form


class Visitor:
    """One request of one visitor. Pages are functions of a visitor."""

    def __init__(self, request: Request, house: House, visit: Visit | None, roles: Roles) -> None:
        """`visit` is absent without a log-in."""
        self.request: Final = request
        self.house: Final = house
        self.visit: Final = visit
        self.roles: Final = roles
        self.flashes: tuple[Flash, ...] = ()
        self.said: Flash | None = None

    @property
    def store(self) -> PortalStore:
        """Return the store."""
        return self.house.store

    @property
    def wants_json(self) -> bool:
        """Return whether the address is one of the API."""
        return self.request.url.path.startswith(f"{API}/")

    @property
    def is_sent(self) -> bool:
        """Return whether a form was sent."""
        return self.request.method == "POST"

    @property
    def today(self) -> date:
        """Return the day."""
        return self.house.clock().date()

    @property
    def subject(self) -> str:
        """Return the id of the person; empty without a log-in."""
        return "" if self.visit is None else self.visit.session.person.subject

    @property
    def name(self) -> str:
        """Return the name of the person; empty without a log-in."""
        return "" if self.visit is None else self.visit.session.person.name

    def reach(self, act: Act) -> Reach:
        """Return whose records the visitor has a right to."""
        found = [reach(role, act) for role in (*self.roles.staff, *self.roles.partners.values())]
        if self.visit is not None:
            found.append(LOGGED_IN.get(act, Reach.NONE))
        return next((each for each in (Reach.ALL, Reach.OWN) if each in found), Reach.NONE)

    def covers(self, act: Act, partner: str) -> bool:
        """Return whether the visitor has a right to the records of a partner."""
        if any(reach(role, act) is Reach.ALL for role in self.roles.staff):
            return True
        own = self.roles.partners.get(partner)
        return own is not None and reach(own, act) is not Reach.NONE

    def part(self, name: str) -> str:
        """Return a part of the page's address. Raises NotHere for one that no record can have."""
        value = str(self.request.path_params[name])
        if not value.isprintable():
            raise NotHere
        return value

    def asked(self, name: str) -> str:
        """Return a value of the query; empty if there is none."""
        return self.request.query_params.get(name, "").strip()

    async def form(self) -> Form:
        """Return the form that was sent, or an empty one. Raises BadForm, Forged, LogInNeeded."""
        gate = self.house.gate
        if not self.is_sent:
            kept = None if self.visit is None else await gate.draft(self.visit, self.request.url.path)
            return kept or Form()
        if self.visit is not None:
            return _storable((await gate.form(self.request))[1])
        form = await read_form(self.request)
        gate.check(self.request, form.text(FORM_TOKEN))
        return _storable(form)

    async def form_with_file(self) -> tuple[Form, str]:
        """Return a form that may have one small text file, and the file's text. Raises BadForm, Forged."""
        length = self.request.headers.get("content-length", "")
        if not length.isdecimal() or int(length[:12]) > MOST_WITH_FILE:
            raise BadForm(413, f"The file is too large. Send at most {MOST_WITH_FILE // 1000} kB.")
        async with self.request.form(max_files=1, max_fields=20, max_part_size=MOST_WITH_FILE) as parts:
            form = Form([(name, value) for name, value in parts.multi_items() if isinstance(value, str)])
            self.house.gate.check(self.request, form.text(FORM_TOKEN))
            sent = parts.get("file")
            content = await sent.read(MOST_WITH_FILE) if isinstance(sent, UploadFile) else b""
        return form, content.decode("ascii", "replace").strip()

    def token(self) -> Markup:
        """Return the hidden field that each form needs."""
        return hidden(FORM_TOKEN, self.house.gate.form_token(self.request))

    def text(self, text: str) -> Markup:
        """Return a text of an editor or of an answer as HTML."""
        return html_of(text, self.house.settings.documentation)

    def documentation(self, page: str) -> str:
        """Return the address of a page of the documentation."""
        return f"{self.house.settings.documentation.rstrip('/')}/{page}"

    def show(self, template: str, data: Mapping[str, Any], *, form: Form | None = None, status: int = OK) -> Response:
        """Return the page. `data` is all that it says: under the API it is the whole reply."""
        if self.wants_json:
            body = msgspec.json.encode(data, enc_hook=str)
            return Response(body, status, PAGE_HEADERS, JSON)
        status = 422 if form is not None and form.errors and status == OK else status
        frame = self.frame()
        return self.house.pages.response(template, frame, status, me=self, form=form or Form(), **data)

    def go(self, address: str, said: str = "", *, problem: bool = False) -> Response:
        """Send the browser to another page, which shows the message `said` once."""
        if said:
            self.said = Flash(said, "problem" if problem else "success")
        return RedirectResponse(address, 303)

    def frame(self) -> Frame:
        """Return the frame of the page."""
        path = self.request.url.path
        navigation = [*PUBLIC, *self._own()]
        current = [each.href for each in navigation if path == each.href or path.startswith(f"{each.href}/")]
        return Frame(
            site=self.house.site,
            navigation=navigation,
            current=max(current, key=len, default=""),
            account=self._account(),
            search=Search("/faq", "Search the questions"),
            flashes=self.flashes,
        )

    def _own(self) -> list[Link]:
        if self.visit is None:
            return [Link("Log in", f"{LOG_IN}?return_to={quote('/partners', safe='')}")]
        found = [Link("My partner", "/partners")]
        if self.reach(Act.EDIT) is Reach.ALL:
            found.append(Link("Edit", "/edit"))
        if self.reach(Act.READ_INTEREST) is Reach.ALL:
            found.append(Link("Interest list", "/interest/list"))
        if self.reach(Act.WORK_DESK) is Reach.ALL:
            found.append(Link("Desk", "/desk"))
        if self.reach(Act.GIVE_ROLES) is Reach.ALL:
            found.append(Link("Staff", "/staff"))
        return found

    def _account(self) -> Account | None:
        if self.visit is None:
            return None
        held = dict.fromkeys((*sorted(self.roles.staff), *sorted(self.roles.partners.values())))
        return Account(self.name, ", ".join(held) or "no role yet", self.visit.form_token)
