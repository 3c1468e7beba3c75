"""X004: find patients to refer. See ADR 0054."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRING_STAFF
from openers.usecases.overview.find_patients import find_patients
from openers.wire.stu3.overview.replies import write_patients
from openers.wire.stu3.overview.requests import read_find_patients


@operation(
    "X004",
    POST,
    "/STU3/Patient/$openers.find",
    operation_id="x004-find-patients",
    tags=(Tag.EXTENSIONS,),
    roles=REFERRING_STAFF,
    request="FindPatients",
    response="FoundPatients",
    audit="API Find Patients",
)
async def find_patients_to_refer(call: Call) -> Reply:
    """Find patients by NHS number, or by family name and date of birth."""
    return call.plain(write_patients(await find_patients(read_find_patients(call.body), call.world)))
