"""The pairs of specialty and clinic type that a service can have today, with their names."""

from __future__ import annotations

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Reach, Resource
from openers.domain.codes import CodeSystemName
from openers.domain.services.code_sets import is_in_use
from openers.usecases.services.drafts import check_definer
from openers.usecases.world import World


class ClinicTypeInUse(msgspec.Struct, frozen=True):
    """A clinic type of a specialty: codes and names."""

    specialty: str
    specialty_name: str
    clinic_type: str
    clinic_type_name: str


def clinic_types(by: Administrator, world: World) -> list[ClinicTypeInUse]:
    """Return the pairs in use, by their names. Raises NotAllowed for callers who define no services."""
    world.entry.act = "list clinic types"
    if by.reach(Resource.SERVICES, Method.PUT) is Reach.NONE:
        check_definer(by, None)
    today = world.clock.now().date()
    code_system = world.reference.code_system
    systems = code_system(CodeSystemName.SPECIALTY), code_system(CodeSystemName.CLINIC_TYPE)
    specialties = systems[0].concepts
    found = [
        ClinicTypeInUse(str(specialty), specialties[str(specialty)].display, code, concept.display)
        for code, concept in systems[1].concepts.items()
        for specialty in concept.values("specialty")
        if is_in_use((str(specialty), code), systems, today)
    ]
    return sorted(found, key=lambda each: (each.specialty_name, each.clinic_type_name))
