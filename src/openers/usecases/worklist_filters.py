"""What a provider narrows a worklist by, held against the directory: what A008 and A023 have in common.

What belongs together in a request is checked by its reader (`openers.wire.stu3.worklist_filters`), what a value refers
to is checked here. Source: rules chapters 4 (A008, A023) and 2.7.
"""

from __future__ import annotations

import msgspec

from openers.domain.codes import CodeSystemName
from openers.domain.errors import Field, InvalidCode, MissingValue, NoRelationship, ReferenceNotFound
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.principal import Principal
from openers.usecases.ports import Tx
from openers.usecases.worklist_ports import Narrowing
from openers.usecases.world import World


class WorklistFilters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for; `unassigned` asks for what has no clinician."""

    service: ServiceId | None = None
    specialty: str | None = None
    location: OdsCode | None = None
    clinician: UserId | None = None
    unassigned: bool = False


async def narrow(filters: WorklistFilters, by: Principal, world: World, tx: Tx) -> Narrowing:
    """The filters with everything they refer to checked.

    Raises MissingValue (an application names a service), ReferenceNotFound, NoRelationship, InvalidCode.
    """
    if by.is_application and filters.service is None:
        raise MissingValue(Field.SERVICE, hint="an application asks for one service at a time")
    world.entry.services = () if filters.service is None else (filters.service,)
    if filters.service is not None:
        await _check_service(filters.service, by, tx)
    if filters.specialty is not None:
        _check_specialty(filters.specialty, world)
    if filters.clinician is not None and await tx.directory.user(filters.clinician) is None:
        raise ReferenceNotFound(Field.CLINICIAN, filters.clinician, "is not known")
    is_site = filters.location is not None and await _is_site(filters.location, tx)
    return Narrowing(
        service=filters.service,
        specialty=filters.specialty,
        clinician=filters.clinician,
        unassigned=filters.unassigned,
        site=filters.location if is_site else None,
        organisation=None if is_site else filters.location,
    )


async def _check_service(service_id: ServiceId, by: Principal, tx: Tx) -> None:
    service = await tx.directory.service(service_id)
    if service is None:
        raise ReferenceNotFound(Field.SERVICE, service_id, "is not known")
    if not by.may_see(service.value.organisation, service.value.workgroup):
        raise NoRelationship(Field.SERVICE, service_id)


def _check_specialty(specialty: str, world: World) -> None:
    """Specialties that are not used any more still are those of old requests."""
    if specialty not in world.reference.code_system(CodeSystemName.SPECIALTY).concepts:
        raise InvalidCode(Field.SPECIALTY, specialty, "is not a specialty; see SPECIALTY (A004)")


async def _is_site(location: OdsCode, tx: Tx) -> bool:
    """Whether it is a site, and not a whole organisation. Raises ReferenceNotFound."""
    if await tx.directory.has_site(location):
        return True
    if await tx.directory.organisation(location) is None:
        raise ReferenceNotFound(Field.LOCATION, location, "is not known")
    return False
