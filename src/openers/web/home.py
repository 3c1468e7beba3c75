"""The page at `/`: whether the service is ready, its world and cast, and where everything is; as JSON too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

import msgspec
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from openers.settings import Settings
from openers.usecases.world import World
from openers.web.frame import PAGES, frame
from openers_web.headers import PAGE_HEADERS
from openers_web.layout import Link
from openers_web.parts.forms import small_button
from openers_web.parts.tables import Cell, Column, Row, table
from openers_web.parts.texts import nhs_number

HOME: Final = "/"
FHIR: Final = "/referrals/FHIR"
ADDRESSES: Final = (
    Link("Documentation of this version, with search", "/docs/"),
    Link("CapabilityStatement of the STU3 operations", f"{FHIR}/STU3/metadata"),
    Link("CapabilityStatement of the R4 operations", f"{FHIR}/R4/metadata"),
    Link("OpenAPI document of all operations", "/referrals/openapi.json"),
    Link("OpenID Connect and OAuth 2.0 addresses", "/.well-known/openid-configuration"),
    Link("Health, with each check", "/referrals/_status"),
)
IN_TEST_MODE: Final = (
    Link("Collections for Postman, Bruno and .http", "/_test/collections"),
    Link("Test mode: worlds, clocks, calls and faults", "/_test/"),
)
PROBLEMS: Final = {
    "database": "The database does not answer.",
    "disk": "A disk is nearly full.",
    "scanner": "The virus scanner does not answer, so new files cannot be read.",
    "polls": "Slots of a service were not polled in time.",
}
"""What a check that does not pass means."""


class CastPerson(msgspec.Struct, frozen=True):
    """A person who can log in."""

    id: str
    name: str
    roles: Sequence[str]


class CastPatient(msgspec.Struct, frozen=True):
    """A patient, and what is special about the record."""

    nhs_number: str
    name: str
    about: str


class CastService(msgspec.Struct, frozen=True):
    """A service that can be referred to."""

    id: str
    name: str
    organisation: str
    flows: Sequence[str]


class CastOrganisation(msgspec.Struct, frozen=True):
    """An organisation."""

    ods: str
    name: str
    kind: str


class Cast(msgspec.Struct, frozen=True):
    """Everybody and everything in the world."""

    people: Sequence[CastPerson]
    patients: Sequence[CastPatient]
    services: Sequence[CastService]
    organisations: Sequence[CastOrganisation]


class Token(msgspec.Struct, frozen=True):
    """A token that somebody has just got on the page."""

    person: str
    role: str
    organisation: str
    text: str


class HomeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page shows."""

    version: str
    base_url: str
    production: bool
    status: str
    checks: Mapping[str, str]
    world: str
    now: datetime
    cast: Cast | None = None
    applications: Mapping[str, str] = {}
    """Addresses of the applications beside the service, by name."""

    @property
    def problems(self) -> Sequence[str]:
        """Return what does not pass, in words."""
        return [PROBLEMS.get(name, name) for name, state in self.checks.items() if state != "pass"]

    @property
    def root(self) -> str:
        """Return the path of the world's address."""
        return urlsplit(self.base_url).path

    @property
    def addresses(self) -> Sequence[Link]:
        """Return the links of the page, whose paths begin at the world's address."""
        return ADDRESSES if self.production else (*ADDRESSES, *IN_TEST_MODE)


def facts_of(
    settings: Settings, world: World, health: Mapping[str, object], *, name: str = "", cast: Cast | None = None
) -> HomeFacts:
    """Return the facts: the world and its clock, and the report of the service's health.

    Test mode gives the world's public name and its cast as well.
    """
    return HomeFacts(
        version=version("openers"),
        base_url=world.base_url,
        production=settings.production,
        status=str(health["status"]),
        checks=msgspec.convert(health["checks"], dict[str, str]),
        world=name or world.name,
        now=world.clock.now(),
        cast=cast,
        applications=_applications(settings, world),
    )


def _applications(settings: Settings, world: World) -> Mapping[str, str]:
    """Return the addresses of the applications, which use the main world."""
    known = {
        "Quick Connect: pages for professionals": settings.quick_connect_url,
        "Partner portal: for suppliers who connect a product": settings.portal_url,
        "Test PAS": settings.test_pas_url,
    }
    is_main = world.base_url == settings.base_url.rstrip("/")
    return {name: address for name, address in known.items() if address is not None and is_main}


def wants_json(asked: Mapping[str, str], accept: str) -> bool:
    """Return whether a caller asks for JSON: by `format=json`, or by an Accept header that names JSON and no HTML."""
    return asked.get("format") == "json" or ("json" in accept and "text/html" not in accept)


def home_page(facts: HomeFacts, token: Token | None = None) -> Response:
    """Return the page as HTML."""
    tables: Mapping[str, Markup] = {} if facts.cast is None else _tables(facts.cast, facts.root)
    outline = frame(facts.root, production=facts.production)
    shown = PAGES.render("home.html", outline, home=facts, token=token, calls=_calls(facts, token), **tables)
    return HTMLResponse(shown, headers=PAGE_HEADERS)


def text_page(name: str, root: str, *, production: bool) -> Response:
    """Return a page of text, `accessibility` or `privacy`; `root` is the path of the world's address."""
    shown = PAGES.render(f"{name}.html", frame(root, production=production))
    return HTMLResponse(shown, headers={**PAGE_HEADERS, "cache-control": "no-cache"})


def home_json(facts: HomeFacts) -> Response:
    """Return the facts as JSON, with the links."""
    links = {link.text: f"{facts.base_url}{link.href}" for link in facts.addresses}
    body = msgspec.json.encode({**msgspec.structs.asdict(facts), "links": links})
    return Response(body, headers={"cache-control": "no-store"}, media_type="application/json")


def _tables(cast: Cast, root: str) -> Mapping[str, Markup]:
    """Return the tables of the cast by name."""
    log_in = Markup('<form method="post" action="{}/#calls">{}</form>')

    def act(person: CastPerson) -> Markup:
        return log_in.format(root, small_button("Get a token", name="user", value=person.id, about=person.name))

    return {
        "people": table(
            "People",
            (Column("Person"), Column("Roles"), Column("Log in", "short")),
            [Row((Cell(each.name, each.id), Markup("<br>").join(each.roles), act(each))) for each in cast.people],
        ),
        "patients": table(
            "Patients",
            (Column("Patient"), Column("What is special")),
            [Row((Cell(each.name, nhs_number(each.nhs_number)), each.about)) for each in cast.patients],
        ),
        "services": table(
            "Services",
            (Column("Service"), Column("Organisation"), Column("Takes")),
            [Row((Cell(each.name, each.id), each.organisation, ", ".join(each.flows))) for each in cast.services],
        ),
        "organisations": table(
            "Organisations",
            (Column("Organisation"), Column("Kind")),
            [Row((Cell(each.name, each.ods), each.kind)) for each in cast.organisations],
        ),
    }


def _calls(facts: HomeFacts, token: Token | None) -> Sequence[tuple[str, str]]:
    """Return three calls to copy: name and command. With a token they work as they are."""
    who = token or Token("", "ROLE", "ORGANISATION", "TOKEN")
    base, bearer = f"{facts.base_url}{FHIR}", f"-H 'Authorization: Bearer {who.text}'"
    role = f"-H 'NHSD-End-User-Organisation-ODS: {who.organisation}' -H 'NHSD-eRS-Business-Function: {who.role}'"
    return (
        ("Check that the service is ready", f"curl {facts.base_url}/referrals/_status"),
        ("Read who you are and what you may do (A030)", f"curl {bearer} {base}/R4/PractitionerRole"),
        ("Read the priorities (A004)", f"curl {bearer} {role} {base}/STU3/CodeSystem/PRIORITY"),
    )
