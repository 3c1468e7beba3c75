"""The page that links a service to the Test PAS of its environment, and shows the first slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.environment import Environment, EnvironmentDown, EnvironmentRefuses
from openers_portal.pages.partners import partner_of
from openers_portal.rules import packs
from openers_portal.rules.cards import CardState
from openers_portal.rules.slots import Slot, first_slots, is_service
from openers_portal.visitor import Visitor
from openers_web.form import Form


class Linked(msgspec.Struct, frozen=True):
    """A service that is linked: its environment, number, name and first slots."""

    environment: str
    service: str
    name: str
    slots: Sequence[Slot]


async def link(me: Visitor) -> Response:
    """Show the form, link the service that it names, and show the first slots of the service in the address."""
    partner, form = await partner_of(me), await me.form()
    names = [
        name for name, each in me.house.environments.items() if each.settings.pas_url and each.settings.pas_client_id
    ]
    linked: Linked | None = None
    try:
        if me.is_sent:
            environment, service = _chosen(form.text("environment"), form.text("service"), names, form)
            if environment and await _is_linked(me, form, partner.id, me.house.environments[environment], service):
                place = f"/partners/{partner.id}/pas?environment={environment}&service={service}"
                return me.go(place, f"Service {service} is linked to the Test PAS.")
        elif me.asked("service"):
            environment, service = _chosen(me.asked("environment"), me.asked("service"), names, form)
            if environment:
                linked = await _linked(me, form, partner.id, me.house.environments[environment], service)
    except EnvironmentRefuses as error:
        form.reject("", f"{error.cause}: {error.cure}")
    except EnvironmentDown as error:
        form.reject("", f"{error}. Try again later")
    data = {
        "partner": partner,
        "environments": names,
        "linked": linked,
        "may_link": me.covers(Act.CONNECT, partner.id),
    }
    return me.show("pas.html", data, form=form)


def _chosen(environment: str, service: str, names: Sequence[str], form: Form) -> tuple[str, str]:
    """Return the environment and the service; no environment if one of them is wrong."""
    if environment not in names:
        form.reject("environment", "Choose the environment")
    if not is_service(service):
        form.reject("service", "Enter the number of the service, at most 12 digits")
    return ("" if form.errors else environment, service)


async def _is_linked(me: Visitor, form: Form, partner: str, at: Environment, service: str) -> bool:
    """Link a service, and poll its slots; return false with an error in the form if that may not be done."""
    found = await _service(me, form, partner, at, service)
    if found is None:
        return False
    wanted = {"service": service, "url": at.settings.pas_url, "client_id": at.settings.pas_client_id, "active": True}
    present = await at.read("pas-links", service)
    if present is not None and present.record.get("active") and present.record["url"] != wanted["url"]:
        form.reject("service", "The service is linked to another PAS. End that link in the environment first")
        return False
    await at.make_clinic(service, str(found["name"]))
    await at.put("pas-links", service, wanted)
    await at.poll(service)
    return True


async def _linked(me: Visitor, form: Form, partner: str, at: Environment, service: str) -> Linked | None:
    """Return a linked service with its first slots; `None` if it is not linked, or not of the partner."""
    found = await _service(me, form, partner, at, service)
    present = None if found is None else await at.read("pas-links", service)
    if found is None or present is None or not present.record.get("active"):
        return None
    query = f"organisation={quote(str(found['organisation']), safe='')}"
    told = await at.read("services", f"{service}/visibility?{query}")
    slots = () if told is None else first_slots(told.record)
    return Linked(at.settings.name, service, str(found["name"]), slots)


async def _service(me: Visitor, form: Form, partner: str, at: Environment, service: str) -> dict[str, Any] | None:
    """Return a service, live or a draft, of an organisation at which the partner has a card, an endpoint or a pack."""
    found = await at.read("services", f"{service}/draft")
    if found is None:
        form.reject("service", f"{at.settings.name} has no service {service}")
        return None
    organisation = found.record["organisation"]
    if organisation not in await _organisations(me, partner, at.settings.name):
        told = f"Service {service} is of {organisation}, where your partner has no smartcard, endpoint or test pack"
        form.reject("service", told)
        return None
    return found.record


async def _organisations(me: Visitor, partner: str, environment: str) -> set[str]:
    """Return the organisations of an environment at which a partner has a card, an endpoint or a pack."""
    store = me.store
    cards = [each.card for each in await store.cards.of_partner(partner) if each.state is CardState.ISSUED]
    endpoints = await store.endpoints.of_partner(partner)
    made = [each.pack for each in await store.packs.of_partner(partner) if each.pack.made]
    return {
        *(each.organisation for each in cards if each.environment == environment),
        *(each.organisation for each in endpoints if each.environment == environment and each.is_registered),
        *(packs.trust(each.seed) for each in made if each.environment == environment),
    }
