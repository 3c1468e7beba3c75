"""X005: the requests of a patient that the caller may see. See ADR 0054."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import STAFF
from openers.usecases.overview.overviews import overviews_of_patient
from openers.wire.stu3.overview.replies import write_overviews
from openers.wire.stu3.overview.requests import read_patient_requests


@operation(
    "X005",
    POST,
    "/STU3/Patient/$openers.requests",
    operation_id="x005-list-requests-of-patient",
    tags=(Tag.EXTENSIONS,),
    roles=STAFF,
    request="PatientRequests",
    response="Overviews",
    audit="API List Requests Of Patient",
)
async def list_requests_of_patient(call: Call) -> Reply:
    """List the referrals and requests for advice of a patient, newest first."""
    found = await overviews_of_patient(read_patient_requests(call.body, call.principal), call.world)
    return call.plain(write_overviews(found))
