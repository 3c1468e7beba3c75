"""The page at `/`: a list of addresses, for browsers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from openers.settings import Settings
from openers.web.log_in import HERE, STYLE_PATH

HOME: Final = "/"
HOME_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
}


class Address(NamedTuple):
    """A path of the service, and its description."""

    path: str
    what: str


def addresses_of(settings: Settings) -> Sequence[Address]:
    """Return the listed addresses; in test mode its pages too."""
    fhir = "/referrals/FHIR"
    always = (
        Address("/docs/", "documentation of this version, with search"),
        Address(f"{fhir}/STU3/metadata", "CapabilityStatement of the STU3 operations"),
        Address(f"{fhir}/R4/metadata", "CapabilityStatement of the R4 operations"),
        Address("/referrals/openapi.json", "OpenAPI document of all operations"),
        Address("/.well-known/openid-configuration", "addresses for logging in by OpenID Connect and OAuth 2.0"),
        Address("/referrals/_status", "health, with each check"),
    )
    return (
        always
        if settings.production
        else (*always, Address("/_test/", "worlds, clocks, calls and faults of test mode"))
    )


def home_page(addresses: Sequence[Address]) -> bytes:
    """Return the page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("home.html").render(addresses=addresses, style=STYLE_PATH[1:]).encode()
