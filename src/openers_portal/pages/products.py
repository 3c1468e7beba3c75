"""Pages of a product: registration, milestones with their evidence, usage and settings."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.environment import EnvironmentDown, EnvironmentRefuses
from openers_portal.pages.partners import partner_of
from openers_portal.rules.endpoints import Endpoint
from openers_portal.rules.milestones import Event, Happening, milestones
from openers_portal.rules.partners import Product, Topology, Usage, UsageAndSettings, families
from openers_portal.store.partners import StoredProduct
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form


async def new(me: Visitor) -> Response:
    """Show the form of a product, and register it."""
    partner, form = await partner_of(me), await me.form()
    if me.is_sent:
        product = Product(
            name=form.required("name", "Enter the name of the product", 100),
            version=form.required("version", "Enter its version", 40),
            purpose=form.text("purpose")[:2000],
        )
        if not form.errors:
            id = await me.store.partners.add_product(partner.id, product, me.name)
            return me.go(f"/partners/{partner.id}/products/{id}", f"{product.name} is registered.")
    return me.show("product_new.html", {"partner": partner}, form=form)


async def product(me: Visitor) -> Response:
    """Show a product with its milestones."""
    found = await product_of(me)
    partner = await partner_of(me)
    owned = await me.store.endpoints.of_product(partner.id, found.id)
    problem = await _look_for_calls(me, found.id, owned)
    data = {
        "partner": partner,
        "product": found,
        "endpoints": owned,
        "ending": [each.asid for each in owned if each.ends_soon(me.house.clock())],
        "problem": problem,
        "milestones": milestones(await me.store.partners.events(found.id)),
        "may_change": me.covers(Act.CHANGE_PRODUCT, partner.id),
    }
    return me.show("product.html", data)


async def settings(me: Visitor) -> Response:
    """Show how a product uses the service, and store what is sent."""
    found, form = await product_of(me), await me.form()
    partner = me.part("partner")
    if me.is_sent:
        told = _settings(form)
        if told is not None:
            changed = msgspec.structs.replace(found.product, settings=told)
            await me.store.partners.tell_settings(partner, found.id, changed, me.name)
            return me.go(f"/partners/{partner}/products/{found.id}", "Usage and settings are submitted.")
    data = {
        "partner": partner,
        "product": found,
        "families": families(),
        "usages": list(Usage),
        "topologies": list(Topology),
    }
    return me.show("product_settings.html", data, form=form)


async def product_of(me: Visitor) -> StoredProduct:
    """Return the product in the address, if it belongs to the partner there. Raises NotHere."""
    found = await me.store.partners.product(me.part("partner"), me.part("product"))
    if found is None:
        raise NotHere
    return found


async def _look_for_calls(me: Visitor, product: str, owned: Sequence[Endpoint]) -> str:
    """Store the first successful call of each endpoint as an event; return what kept the portal from looking."""
    seen = {each.evidence for each in await me.store.partners.events(product) if each.kind is Happening.CALL}
    problems = dict[str, None]()
    for each in owned:
        if not each.is_registered or any(each.asid in evidence for evidence in seen):
            continue
        try:
            call = await me.house.environments[each.environment].first_success(each.client_id)
        except (KeyError, EnvironmentDown, EnvironmentRefuses):
            problems[f"{each.environment} does not answer, so new calls are not seen"] = None
            continue
        if call is not None:
            told = f"{call.operation} with ASID {each.asid} in {each.environment}, request {call.request_id}"
            event = Event(kind=Happening.CALL, at=call.at, by="seen in the recorded calls", evidence=told)
            await me.store.partners.happened(product, event, f"call {each.asid}")
    return "; ".join(problems)


def _settings(form: Form) -> UsageAndSettings | None:
    """Return what the form says; `None` if it has errors."""
    usage, topology = form.text("usage"), form.text("topology")
    chosen = tuple(each for each in families() if each in form.texts("families"))
    if usage not in tuple(Usage):
        form.reject("usage", "Choose how the data is used")
    if topology not in tuple(Topology):
        form.reject("topology", "Choose how the product is deployed")
    if not chosen:
        form.reject("families", "Choose at least one group of operations")
    storage = form.required("storage", "Tell where data is stored, or that none is", 2000)
    users = form.required("users", "Tell who uses the product, and how many", 2000)
    if form.errors:
        return None
    return UsageAndSettings(
        usage=Usage(usage), topology=Topology(topology), families=chosen, storage=storage, users=users
    )
