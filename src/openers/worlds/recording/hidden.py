"""What a search for services (A010) or slots (A015) did not show, and the first condition that hides each of them.

The conditions are those of the search, applied to the present records. A stored call has no data of its patient: what
depends on them is told as one condition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import parse_qs

import msgspec

from openers.domain.codes import Priority, RequestType
from openers.domain.directory import Organisation, Service
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.search import SearchCriteria, ServiceFilter
from openers.domain.services.access import Referrer
from openers.usecases.ports.registers import Window
from openers.usecases.ports.transaction import Tx
from openers.usecases.services.visibility import hidden_by, hidden_slots
from openers.usecases.world import World
from openers.wire.admin.visibility import CONDITIONS, SLOT_CONDITIONS
from openers.worlds.recording.exchange import Exchange

MOST: Final = 250
"""Services that are explained at once."""
PATIENT: Final = "PATIENT"
_OF_PATIENT: Final = "its age, sex, distance or wait does not suit the patient and the search, or the list was full"
_ODS: Final = "NHSD-End-User-Organisation-ODS"
_RULES_OF: Final = "NHSD-eRS-Comm-Rule-Org"


class Hidden(msgspec.Struct, frozen=True):
    """A service or a slot that a call did not show, and why."""

    what: str
    hidden_by: str
    told: str


async def hidden_from(exchange: Exchange, world: World) -> tuple[Hidden, ...]:
    """Return what a successful search did not show; nothing for other calls."""
    if exchange.operation is None or exchange.status != 200:
        return ()
    try:
        match exchange.operation.id:
            case "A010":
                return await _services(exchange, world)
            case "A015":
                return await _slots(exchange, world)
            case _:
                return ()
    except (ValueError, KeyError):
        return ()  # the stored call was cut: it cannot be read again


async def _services(exchange: Exchange, world: World) -> tuple[Hidden, ...]:
    """Return the services that a search did not show. Raises ValueError."""
    hidden: list[Hidden] = []
    asked = dict(_named(json.loads(exchange.request.body)))
    shown = {value for name, value in _named_all(json.loads(exchange.reply.body)) if name == "ers-service"}
    async with world.read() as tx:
        wanted = await _filter(asked, exchange, world, tx)
        for stored in await tx.registers.services.page(Window(most=MOST)):
            service: Service = stored.value
            if service.id in shown:
                continue
            failing = await hidden_by(service, wanted, tx)
            what = f"service {service.id} {service.name}"
            told = (PATIENT, _OF_PATIENT) if failing is None else (failing, CONDITIONS[failing])
            hidden.append(Hidden(what, *told))
    return tuple(hidden)


async def _slots(exchange: Exchange, world: World) -> tuple[Hidden, ...]:
    """Return the slots that a search did not show. Raises ValueError."""
    asked = parse_qs(exchange.query)
    number = ServiceId(asked["schedule.actor:HealthcareService"][0])
    priority = Priority(asked["appointmentType"][0])
    names = asked.get("schedule.actor:Practitioner", [])
    clinician = UserId(names[0]) if names else None
    async with world.read() as tx:
        stored = await tx.directory.service(number)
        if stored is None:
            return ()
        window = stored.value.slot_window(priority, world.clock.now())
        told = await hidden_slots(stored.value, window, clinician, world, tx)
    return tuple(
        Hidden(f"slot {each.slot.id} at {each.slot.start.isoformat()}", each.hidden_by, SLOT_CONDITIONS[each.hidden_by])
        for each in told
        if each.hidden_by is not None
    )


async def _filter(asked: dict[str, str], exchange: Exchange, world: World, tx: Tx) -> ServiceFilter:
    """Return the search without the data of its patient. Raises ValueError."""
    own = OdsCode(exchange.request.header(_ODS))
    rules_of = await tx.directory.organisation(OdsCode(asked.get("commissioningRuleOrganisation", own)))
    caller = exchange.caller
    clinician = asked.get("namedClinician")
    return ServiceFilter(
        request_type=RequestType(asked["requestType"]),
        criteria=SearchCriteria(
            priority=Priority(asked["priority"]),
            age_and_gender_appropriate=False,
            named_clinician=None if clinician is None else UserId(clinician),
            organisation=OdsCode(asked["organisation"]) if "organisation" in asked else None,
        ),
        pairs=_pairs(asked, world),
        referrer=_referrer(own, rules_of, exchange, caller.workgroups if caller is not None else frozenset()),
        day=world.clock.now().date(),
    )


def _referrer(own: OdsCode, rules_of: Organisation | None, exchange: Exchange, workgroups: frozenset[str]) -> Referrer:
    return Referrer(
        rules_of=own if rules_of is None else rules_of.ods,
        commissioner=None if rules_of is None else rules_of.commissioner,
        organisation=own,
        user=None if exchange.caller is None else exchange.caller.user,
        workgroups=workgroups,
    )


def _pairs(asked: dict[str, str], world: World) -> frozenset[tuple[str, str]] | None:
    """Return the pairs that the search asks for; `None` if it asks for none, or only for a specialty."""
    if "specialty" in asked and "clinicType" in asked:
        return frozenset({(asked["specialty"], asked["clinicType"])})
    term = world.reference.clinical_term(asked["clinicalTerm"]) if "clinicalTerm" in asked else None
    return None if term is None else frozenset(term.leads_to)


def _named(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the codes and identifiers of parameters, by the name of the parameter."""
    if isinstance(node, dict):
        found = cast("dict[str, Any]", node)
        name = found.get("name")
        for kind in ("valueCoding", "valueIdentifier"):
            value = found.get(kind)
            if isinstance(name, str) and isinstance(value, dict):
                inner = cast("dict[str, Any]", value)
                yield name, str(inner.get("code") or inner.get("value") or "")
        for each in found.values():
            yield from _named(each)
    elif isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from _named(each)


def _named_all(node: Any) -> Iterator[tuple[str, str]]:
    """Yield all identifiers, by the last part of their system."""
    if isinstance(node, dict):
        found = cast("dict[str, Any]", node)
        system, value = found.get("system"), found.get("value")
        if isinstance(system, str) and isinstance(value, str):
            yield system.rpartition("/")[2], value
        for each in found.values():
            yield from _named_all(each)
    elif isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from _named_all(each)
