"""Run the checks of publishing on a draft: gather what they need to know, and return what they find."""

from __future__ import annotations

from openers.domain.codes import CodeSystemName
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.services.access import Restriction
from openers.domain.services.code_sets import is_in_use
from openers.domain.services.draft import ServiceDraft
from openers.domain.services.publishing import Finding, Known, findings
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

CANCER: frozenset[str] = frozenset({"2WW"})
"""Specialties whose clinic types are for suspected cancer."""


async def check_draft(draft: ServiceDraft, world: World, tx: Tx) -> list[Finding]:
    """Return what keeps a draft from being published, and the warnings: errors first."""
    found = findings(draft, await _known(draft, world, tx))
    return sorted(found, key=lambda each: each.is_warning)


async def is_linked(service: ServiceId, tx: Tx) -> bool:
    """Return whether a service or a draft has a PAS."""
    link = await tx.links.get(service)
    return link is not None and link.active


async def _known(draft: ServiceDraft, world: World, tx: Tx) -> Known:
    today = world.clock.now().date()
    systems = (
        world.reference.code_system(CodeSystemName.SPECIALTY),
        world.reference.code_system(CodeSystemName.CLINIC_TYPE),
    )
    pairs = frozenset(pair for pair in draft.clinic_types if is_in_use(pair, systems, today))
    pathways = draft.restriction or Restriction()
    listed = frozenset[OdsCode]() if draft.commissioning is None else draft.commissioning.organisations
    organisations = await tx.registers.organisations.several(sorted(listed | pathways.organisations))
    people = await tx.registers.people.several(
        sorted(draft.clinicians | draft.allocated_clinicians | pathways.referrers)
    )
    services = await tx.registers.services.several(sorted(pathways.services))
    return Known(
        today=today,
        site=await tx.directory.site(OdsCode(draft.site)),
        namesakes=await tx.registers.services.namesakes(draft.name) - {draft.id},
        pairs=pairs,
        cancer=frozenset(pair for pair in pairs if pair[0] in CANCER),
        linked=await is_linked(draft.id, tx),
        people={UserId(each.key): each.value for each in people},
        organisations=frozenset(each.value.ods for each in organisations),
        services=frozenset(each.value.id for each in services if each.value.is_published),
    )
