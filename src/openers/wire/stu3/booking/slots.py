"""Free slots (A015): a Bundle of the slots on one page, and of their schedules.

Built as text for speed, because callers page through hundreds of slots. Source: rules chapter 4 (A015).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from openers.domain.clock import Instant
from openers.domain.slots import Slot
from openers.usecases.ports.slot_page import SlotPage, SlotQuery
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.systems import ERS_SERVICE, SCHEDULE, SDS_USER, SLOT_REFERENCE, below, identified

BUNDLE_PROFILE: Final = "http://hl7.org/fhir/STU3/StructureDefinition/Bundle"
SLOT_PROFILE: Final = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Slot-1"
SCHEDULE_PROFILE: Final = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Schedule-1"


def write_slots(page: SlotPage, base: str, id: UUID, at: Instant) -> bytes:
    """Return the slots of `page` in a Bundle `id`, found at `at`, for the service at `base`."""
    head = encode(
        {
            "id": str(id),
            "meta": {"lastUpdated": write_instant(at), "profile": [BUNDLE_PROFILE]},
            "resourceType": "Bundle",
            "type": "searchset",
            "total": page.total,
            "link": _links(page, below(base, "/STU3/Slot")),
        }
    )
    quoted = encode(base).decode()[1:-1]
    entries: list[str] = []
    schedules: dict[str, Slot] = {}
    for slot in page.slots:
        schedule = slot.schedule
        schedules.setdefault(schedule, slot)
        entries.append(_slot(slot, schedule, quoted))
    included = [encode(_schedule(schedule, slot, base)).decode() for schedule, slot in schedules.items()]
    return b'%b,"entry":[%b]}' % (head[:-1], ",".join(entries + included).encode())


def _links(page: SlotPage, url: str) -> list[JsonValue]:
    """Return the links to this page and its neighbours."""
    number = page.query.page
    pages = {"self": number}
    if number > 1:
        pages["previous"] = number - 1
    if page.more:
        pages["next"] = number + 1
    query = _query(page.query)
    return [{"relation": relation, "url": f"{url}?{query}&page={each}"} for relation, each in pages.items()]


def _query(query: SlotQuery) -> str:
    """Return the query for the links, without the page; `appointmentType` is a priority (rules 9.2)."""
    clinician = "" if query.clinician is None else f"&schedule.actor%3APractitioner={query.clinician}"
    return (
        f"schedule.actor%3AHealthcareService={query.service}{clinician}&appointmentType={query.priority}"
        f"&_count={query.count}&status=free&_include=Slot%3Aschedule"
    )


def _slot(slot: Slot, schedule: str, base: str) -> str:
    """Return the entry of one slot as JSON; only the PAS's reference may contain characters that JSON must escape."""
    return (
        f'{{"fullUrl":"{below(base, f"/STU3/Slot/{slot.id}")}","resource":{{"id":"{slot.id}",{_OF_A_SLOT}'
        f'"value":{encode(slot.usrn).decode()}}}],"schedule":{{"reference":"Schedule/{schedule}"}},"status":"free",'
        f'"start":"{write_instant(slot.start)}","end":"{write_instant(slot.end)}"}},"search":{{"mode":"match"}}}}'
    )


def _schedule(schedule: str, slot: Slot, base: str) -> Json:
    """Return the entry of the slot's schedule: the service's, or that of one clinician there."""
    actors: list[JsonValue] = [{"identifier": identified(ERS_SERVICE, slot.service)}]
    if slot.clinician is not None:
        actors.append({"identifier": identified(SDS_USER, slot.clinician)})
    resource: JsonValue = {
        "id": schedule,
        "meta": {"profile": [SCHEDULE_PROFILE]},
        "resourceType": "Schedule",
        "identifier": [identified(SCHEDULE, schedule)],
        "actor": actors,
    }
    return {"fullUrl": below(base, f"/STU3/Schedule/{schedule}"), "resource": resource, "search": {"mode": "include"}}


_OF_A_SLOT: Final = (
    f'"meta":{{"profile":["{SLOT_PROFILE}"]}},"resourceType":"Slot","identifier":[{{"system":"{SLOT_REFERENCE.name}",'
)
