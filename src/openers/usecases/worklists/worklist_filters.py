"""Checks the filters of worklists, for A008 and A023. Source: rules chapter 4 (A008)."""

from __future__ import annotations

from openers.domain.codes import CodeSystemName
from openers.domain.errors import Field, InvalidCode, NoRelationship, ReferenceNotFound
from openers.domain.identifiers import OdsCode
from openers.domain.principal import Principal
from openers.domain.worklists import WorklistFilter
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


async def check_filter(wanted: WorklistFilter, by: Principal, world: World, tx: Tx) -> None:
    """Raise ReferenceNotFound or InvalidCode for unknown values, NoRelationship for a service of others."""
    if wanted.service is not None:
        await _check_service(wanted, by, tx)
    specialties = world.reference.code_system(CodeSystemName.SPECIALTY).concepts
    if wanted.specialty is not None and wanted.specialty not in specialties:
        raise InvalidCode(Field.SPECIALTY, wanted.specialty, "is not a specialty; see SPECIALTY (A004)")
    if wanted.location is not None and not await _is_place(wanted.location, tx):
        raise ReferenceNotFound(Field.LOCATION, wanted.location, "is not known")
    if wanted.clinician is not None and await tx.directory.user(wanted.clinician) is None:
        raise ReferenceNotFound(Field.CLINICIAN, wanted.clinician, "is not known")


async def _check_service(wanted: WorklistFilter, by: Principal, tx: Tx) -> None:
    if wanted.service is None:
        return
    service = await tx.directory.service(wanted.service)
    if service is None:
        raise ReferenceNotFound(Field.SERVICE, wanted.service, "is not known")
    if not by.may_see(service.value.organisation, service.value.workgroup):
        raise NoRelationship(Field.SERVICE, wanted.service)


async def _is_place(ods: OdsCode, tx: Tx) -> bool:
    return await tx.directory.site(ods) is not None or await tx.directory.organisation(ods) is not None
