"""Run the checks of publishing on a draft: gather what they need to know, and return what they find."""

from __future__ import annotations

from datetime import date

from openers.domain.codes import CodeSystemName
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.services.draft import ServiceDraft
from openers.domain.services.publishing import Finding, Known, findings
from openers.usecases.ports.transaction import ReferenceData, Tx
from openers.usecases.world import World

CANCER: frozenset[str] = frozenset({"2WW"})
"""Specialties whose clinic types are for suspected cancer."""


async def check_draft(draft: ServiceDraft, world: World, tx: Tx) -> list[Finding]:
    """Return what keeps a draft from being published, and the warnings: errors first."""
    found = findings(draft, await _known(draft, world, tx))
    return sorted(found, key=lambda each: each.is_warning)


async def authorised_workgroups(draft: ServiceDraft, tx: Tx) -> frozenset[str]:
    """Return the workgroups whose staff may refer into a restricted service."""
    wanted = () if draft.restriction is None else sorted(draft.restriction.services)
    return frozenset(each.value.workgroup for each in await tx.directory.services(wanted))


async def is_linked(service: ServiceId, tx: Tx) -> bool:
    """Return whether a service or a draft has a PAS."""
    link = await tx.links.get(service)
    return link is not None and link.active


async def _known(draft: ServiceDraft, world: World, tx: Tx) -> Known:
    today = world.clock.now().date()
    pairs = frozenset(pair for pair in draft.clinic_types if is_in_use(pair, world.reference, today))
    wanted = () if draft.restriction is None else sorted(draft.restriction.services)
    people = await tx.registers.people.several(sorted(draft.clinicians | draft.allocated_clinicians))
    return Known(
        today=today,
        site=await tx.directory.site(OdsCode(draft.site)),
        namesakes=await tx.registers.services.namesakes(draft.name) - {draft.id},
        pairs=pairs,
        cancer=frozenset(pair for pair in pairs if pair[0] in CANCER),
        linked=await is_linked(draft.id, tx),
        people={UserId(each.key): each.value for each in people},
        services=frozenset(each.value.id for each in await tx.directory.services(wanted) if each.value.is_published),
    )


def is_in_use(pair: tuple[str, str], reference: ReferenceData, today: date) -> bool:
    """Return whether a clinic type is one of a specialty, and both are in force."""
    specialty = reference.code_system(CodeSystemName.SPECIALTY).concepts.get(pair[0])
    clinic_type = reference.code_system(CodeSystemName.CLINIC_TYPE).concepts.get(pair[1])
    if specialty is None or clinic_type is None or pair[0] not in clinic_type.values("specialty"):
        return False
    return specialty.effective_on(today) and clinic_type.effective_on(today)
