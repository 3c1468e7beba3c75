"""Why a service, or a slot of it, is not in a result: the first condition that fails, by the rules of the search.

Whatever the question leaves open is taken from the service, so that it hides nothing. Source: rules part 3, A.6, A.7.
"""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Resource
from openers.domain.codes import Priority, RequestFlow, RequestType
from openers.domain.directory import Organisation, Service
from openers.domain.identifiers import OdsCode, ServiceId, SlotId, UserId
from openers.domain.patient import Sex
from openers.domain.search import Condition, Listing, SearchCriteria, ServiceFilter
from openers.domain.services.access import Referrer
from openers.domain.services.slot_window import SlotCondition, SlotWindow
from openers.domain.slots import Slot
from openers.usecases.administration.refusals import NoSuchRecord, Unfit
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_LOOK = "look for its number in the lists of services and drafts"
MOST_SLOTS = 100
"""Slots whose visibility is told at once."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks for what. `organisation` is the referrer's, and that whose commissioning rules apply."""

    organisation: OdsCode
    user: UserId | None = None
    request_type: RequestType | None = None
    priority: Priority | None = None
    pair: tuple[str, str] | None = None
    clinician: UserId | None = None
    age_years: int | None = None
    sex: Sex = Sex.UNKNOWN
    slot: SlotId | None = None


class SlotTold(msgspec.Struct, frozen=True):
    """A slot of the service, and the first condition that hides it; `None` if it is shown."""

    slot: Slot
    hidden_by: SlotCondition | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The first condition that hides a service, if any, and the same for its slots."""

    service: ServiceId
    name: str
    hidden_by: Condition | None
    slots: tuple[SlotTold, ...] = ()


async def explain_service(service: ServiceId, asked: Question, by: Administrator, world: World) -> Told:
    """Return why a service is not found, and why its slots are not; that of a draft only to its definers.

    Raises NoSuchRecord, Unfit.
    """
    world.entry.act = f"explain service {service}"
    world.entry.services = (service,)
    async with world.read() as tx:
        live = await tx.directory.service(service)
        found = live or await tx.registers.drafts.get(service)
        method = Method.PUT if live is None else Method.READ
        if found is None or not by.may(Resource.SERVICES, method, frozenset({found.value.organisation})):
            raise NoSuchRecord(f"there is no service {service} that {by.caller} may see", "path", _LOOK)
    return await explain(service, asked, world)


async def explain(service: ServiceId, asked: Question, world: World) -> Told:
    """Return why a service is not found, and why its slots are not, to a caller who may see all of them.

    Raises NoSuchRecord, Unfit.
    """
    async with world.read() as tx:
        found = await tx.directory.service(service)
        if found is None:
            draft = await tx.registers.drafts.get(service)
            if draft is None:
                raise NoSuchRecord(f"there is no service {service}", "path", _LOOK)
            return Told(service=service, name=draft.value.name, hidden_by=Condition.PUBLISHED)
        organisation = await tx.directory.organisation(asked.organisation)
        if organisation is None:
            raise Unfit(f"there is no organisation {asked.organisation}", "organisation", "name one that exists")
        wanted = await _filter(asked, found.value, organisation, world, tx)
        hidden = await hidden_by(found.value, wanted, tx)
        slots = await _slots(asked, found.value, wanted.criteria.priority, world, tx)
    return Told(service=service, name=found.value.name, hidden_by=hidden, slots=slots)


async def hidden_by(service: Service, wanted: ServiceFilter, tx: Tx) -> Condition | None:
    """Return the first condition, except distance, that keeps a service out of a search, as the store has it now."""
    if not service.is_published:
        return Condition.PUBLISHED
    rules = await tx.registers.rules.of_services([service.id])
    return wanted.hidden_by(Listing.of(service, None, rules.get(service.id, ())))


async def hidden_slots(
    service: Service, window: SlotWindow, clinician: UserId | None, world: World, tx: Tx
) -> tuple[SlotTold, ...]:
    """Return the next slots of a service, each with the first condition that hides it."""
    now = world.clock.now()
    slots = await tx.slots.of_service(service.id, now, now + world.polling.horizon)
    return tuple(SlotTold(each, window.hidden_by(each, clinician)) for each in slots[:MOST_SLOTS])


async def _filter(asked: Question, service: Service, rules_of: Organisation, world: World, tx: Tx) -> ServiceFilter:
    """Return the search that the question means."""
    today: date = world.clock.now().date()
    person = None if asked.user is None else await tx.directory.user(asked.user)
    referrer = Referrer(
        rules_of=rules_of.ods,
        commissioner=rules_of.commissioner,
        organisation=rules_of.ods,
        user=asked.user,
        workgroups=frozenset() if person is None else person.workgroups_at(rules_of.ods),
    )
    priority = asked.priority or next((each for each in Priority if each in service.priorities), Priority.ROUTINE)
    return ServiceFilter(
        request_type=asked.request_type or _usual(service),
        criteria=SearchCriteria(priority=priority, age_and_gender_appropriate=False, named_clinician=asked.clinician),
        pairs=None if asked.pair is None else frozenset({asked.pair}),
        referrer=referrer,
        day=today,
        age_years=asked.age_years,
        sex=asked.sex,
    )


def _usual(service: Service) -> RequestType:
    """Return a type of request that the service accepts."""
    is_advice = service.flows == (RequestFlow.ADVICE_AND_GUIDANCE_REQUEST,)
    return RequestType.ADVICE_AND_GUIDANCE_REQUEST if is_advice else RequestType.APPOINTMENT_REQUEST


async def _slots(asked: Question, service: Service, priority: Priority, world: World, tx: Tx) -> tuple[SlotTold, ...]:
    """Return the slot of the question, or the next slots of the service. Raises NoSuchRecord."""
    window = service.slot_window(priority, world.clock.now())
    if asked.slot is None:
        return await hidden_slots(service, window, asked.clinician, world, tx)
    slot = await tx.slots.get(asked.slot)
    if slot is None or slot.service != service.id:
        cure = "poll the PAS, and look at the slots of the service"
        raise NoSuchRecord(f"service {service.id} has no slot {asked.slot}: its PAS has not sent it", "slot", cure)
    return (SlotTold(slot, window.hidden_by(slot, asked.clinician)),)
