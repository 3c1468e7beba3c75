"""The filters of a provider's list, the access to its rows, and each refusal of A008."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import SPC
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import SERVICE, Json, code
from tests.kit.referrals.words import BY_TELEPHONE, TRIAGE
from tests.kit.referrals.worklists import (
    AWAITING,
    ISSUES,
    LETTERS,
    OF_PROVIDER,
    OF_REFERRER,
    REVIEW,
    asking,
    assigned,
    at_location,
    concept,
    fetched,
    list_type,
    members,
    of_clinician,
    of_service,
    of_specialty,
)
from tests.kit.service.arrangements import patient_called, put, service_called
from tests.kit.service.requests import PATIENT, create_referral
from tests.kit.service.running import CONSULTANT, PROVIDER_ADMIN, REFERRING_ADMIN
from tests.kit.store.outside import execute

pytestmark = pytest.mark.anyio

CLINICIAN, OF_CLINICIANS = CONSULTANT.user, "11001"
SPECIALTY_SYSTEM = "_baseUrl_/STU3/CodeSystem/SPECIALTY"


async def booked_with(cast: Cast, clinician: str) -> Json:
    """Book an appointment at a service whose slots belong to a clinician."""
    if not await cast.rig.free(OF_CLINICIANS):
        await cast.rig.add_slots(5, OF_CLINICIANS, clinician)
    created = await cast.gp.post(**create_referral(services=[OF_CLINICIANS]))
    assert created.status_code == 201, created.text
    slot, *_ = await cast.rig.free(OF_CLINICIANS)
    booked = await cast.rig.book(created.json(), slot)
    assert booked.status_code == 201, booked.text
    return dict(created.json())


async def test_a_service(cast: Cast) -> None:
    """A service filter lists only that service's referrals, in the order of the whole list."""
    made = [await cast.awaiting_triage(), await cast.booked(), await cast.awaiting_triage()]
    whole = members(await fetched(cast.consultant, REVIEW))
    for service, expected in ((TRIAGE, [made[0], made[2]]), (SERVICE, [made[1]])):
        part = members(await fetched(cast.consultant, REVIEW, of_service(service)))
        assert [each for each in part if each in [referral["id"] for referral in made]] == [
            each["id"] for each in expected
        ]
        assert part == [each for each in whole if each in part]


async def test_a_clinician(cast: Cast) -> None:
    """A clinician filter lists the bookings of the clinician's slots, or those without a clinician."""
    theirs, nobodys = await booked_with(cast, CLINICIAN), await cast.awaiting_triage()
    part = members(await fetched(cast.consultant, REVIEW, *of_clinician(CLINICIAN)))
    assert theirs["id"] in part
    assert nobodys["id"] not in part
    rest = members(await fetched(cast.consultant, REVIEW, assigned("clinician", "NOT_ASSIGNED")))
    assert nobodys["id"] in rest
    assert not set(part) & set(rest)
    assert sorted([*part, *rest]) == sorted(members(await fetched(cast.consultant, REVIEW)))


async def test_a_specialty_and_everything_at_once(cast: Cast) -> None:
    """Several filters narrow each other."""
    theirs = await booked_with(cast, CLINICIAN)
    whole = members(await fetched(cast.consultant, REVIEW))
    assert members(await fetched(cast.consultant, REVIEW, *of_specialty("CARDIOLOGY"))) == whole
    assert members(await fetched(cast.consultant, REVIEW, *of_specialty("DERMATOLOGY"))) == []
    for right, wrong in (
        (of_specialty("CARDIOLOGY"), of_specialty("DERMATOLOGY")),
        ((of_service(OF_CLINICIANS),), (of_service(SERVICE),)),
        ((at_location("RCD"),), (at_location("R69"),)),
    ):
        assert theirs["id"] in members(await fetched(cast.consultant, REVIEW, *of_clinician(CLINICIAN), *right))
        assert theirs["id"] not in members(await fetched(cast.consultant, REVIEW, *of_clinician(CLINICIAN), *wrong))
    every = (of_service(OF_CLINICIANS), *of_specialty("CARDIOLOGY"), at_location("RCD"), *of_clinician(CLINICIAN))
    assert theirs["id"] in members(await fetched(cast.consultant, REVIEW, *every))


async def test_a_location(cast: Cast) -> None:
    """A location filter matches the organisation or the site of the service."""
    referral = await cast.awaiting_triage()
    service = await service_called(cast.rig.run, TRIAGE)
    assert referral["id"] in members(await fetched(cast.consultant, REVIEW, at_location(service.site)))
    assert referral["id"] not in members(await fetched(cast.consultant, REVIEW, at_location("R6901")))
    assert referral["id"] in members(await fetched(cast.consultant, REVIEW, at_location("RCD"), of_service(TRIAGE)))
    assert members(await fetched(cast.consultant, REVIEW, at_location("R69"), of_service(TRIAGE))) == []


async def test_who_sees_what(cast: Cast) -> None:
    """Providers see their workgroups' referrals, and referrers see their organisation's.

    Admins see the same as clinicians.
    """
    here, there = await cast.awaiting_triage(), await cast.booked_by_telephone(BY_TELEPHONE)
    run = cast.rig.run
    for client, sees in (
        (cast.consultant, here),
        (cast.consultant_admin, here),
        (await run.as_person(PROVIDER_ADMIN), here),
        (cast.consultant_elsewhere, there),
    ):
        listed = members(await fetched(client, REVIEW))
        assert (here["id"] in listed, there["id"] in listed) == (sees is here, sees is there)
    for client, sees_it in (
        (cast.gp, True),
        (cast.gp_admin, True),
        (await run.as_person(REFERRING_ADMIN), True),
        (cast.gp_elsewhere, False),
    ):
        assert (here["id"] in members(await fetched(client, AWAITING))) is sees_it


async def test_a_list_is_of_one_side(cast: Cast) -> None:
    """A referrer cannot fetch a provider's list, nor a provider a referrer's list."""
    for client, worklists in ((cast.gp, OF_PROVIDER), (cast.consultant, OF_REFERRER), (cast.application, OF_REFERRER)):
        for worklist in worklists:
            reply = await client.post(**asking(worklist))
            assert code(reply) == (403, "FORBIDDEN")
            assert worklist in reply.text


REFUSED: tuple[tuple[str, tuple[Json, ...], str, str], ...] = (
    (REVIEW, (of_service("99999"),), "REFERENCE_NOT_FOUND", "Service Id"),
    (REVIEW, of_clinician("555999999999"), "REFERENCE_NOT_FOUND", "clinician"),
    (REVIEW, (at_location("X99"),), "REFERENCE_NOT_FOUND", "location"),
    (REVIEW, (of_service(BY_TELEPHONE),), "NO_RELATIONSHIP", ""),
    (ISSUES, (assigned("clinician"),), "MISSING_VALUE", "clinician"),
    (ISSUES, (assigned("specialty"),), "MISSING_VALUE", "specialty"),
    (REVIEW, (assigned("specialty", "NOT_ASSIGNED"),), "INVALID_VALUE", "specialtyAssignedIndicator"),
    (REVIEW, of_clinician("12"), "INVALID_VALUE", "parameter[2]/valueIdentifier/value"),
    (REVIEW, of_specialty("NO_SUCH_SPECIALTY"), "INVALID_CODE", "specialty"),
    (REVIEW, (assigned("clinician", "PERHAPS"),), "INVALID_CODE", "coding[0]/code"),
    ("NO_SUCH_LIST", (), "INVALID_CODE", "parameter[0]/valueCodeableConcept/coding[0]/code"),
    (REVIEW, (of_clinician(CLINICIAN)[1],), "UNEXPECTED_FIELD", "clinician"),
    (REVIEW, (of_specialty("CARDIOLOGY")[1],), "UNEXPECTED_FIELD", "specialty"),
    (
        REVIEW,
        (assigned("clinician", "NOT_ASSIGNED"), of_clinician(CLINICIAN)[1]),
        "UNEXPECTED_FIELD",
        "clinician",
    ),
    (REVIEW, ({"name": "sortBy", "valueString": "x"},), "UNEXPECTED_FIELD", "parameter[1]"),
    (REVIEW, (list_type(ISSUES),), "INVALID_FHIR_STRUCTURE", "parameter[1]"),
    (
        REVIEW,
        ({"name": "specialty", "valueCodeableConcept": {"coding": {"system": SPECIALTY_SYSTEM, "code": "X"}}},),
        "INVALID_FHIR_STRUCTURE",
        "coding",
    ),
    (
        REVIEW,
        ({"name": "specialty", "valueCodeableConcept": {"coding": []}},),
        "INVALID_FHIR_STRUCTURE",
        "coding",
    ),
    (REVIEW, (concept("service", SPECIALTY_SYSTEM, "X"),), "INVALID_FHIR_STRUCTURE", "service"),
)


@pytest.mark.parametrize(("worklist", "filters", "expected", "named"), REFUSED)
async def test_a_refusal(cast: Cast, worklist: str, filters: tuple[Json, ...], expected: str, named: str) -> None:
    """A008 refuses with every code of its list, and names the wrong value."""
    reply = await cast.consultant.post(**asking(worklist, *filters))
    assert code(reply) == (422, expected), reply.text
    assert named in reply.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    "filters", [(of_service(TRIAGE),), of_clinician(CLINICIAN), (assigned("clinician", "NOT_ASSIGNED"),)]
)
async def test_lists_of_referrers_take_no_filter(cast: Cast, filters: tuple[Json, ...]) -> None:
    """A referrer's list refuses every filter, even one that a provider may use."""
    for worklist in (AWAITING, LETTERS):
        assert code(await cast.gp.post(**asking(worklist, *filters))) == (422, "UNEXPECTED_FIELD")


async def test_a_sensitive_patient_is_on_no_list(own: Cast) -> None:
    """A patient is hidden while the record is sensitive, and also once it is deleted."""
    referral = await own.awaiting_triage()
    patient = await patient_called(own.rig.run, PATIENT)
    lists = ((own.consultant, REVIEW), (own.gp, AWAITING))
    for sensitive in (False, True, False):
        await put(own.rig.run, msgspec.structs.replace(patient, sensitive=sensitive))
        for client, worklist in lists:
            listed = await fetched(client, worklist)
            assert members(listed) == ([] if sensitive else [referral["id"]])
            assert (PATIENT in str(listed)) is not sensitive
    await execute(own.rig.run.service.settings.database_url, "DELETE FROM patients WHERE nhs_number = ?", PATIENT)
    for client, worklist in lists:
        assert members(await fetched(client, worklist)) == []


async def test_somebody_without_a_workgroup_has_empty_lists(cast: Cast) -> None:
    """A clinician without workgroups gets empty lists."""
    await cast.awaiting_triage()
    alone = User(UserId("555000000777"), "Alone", (Role(OdsCode("RCD"), (SPC,)),), frozenset())
    await put(cast.rig.run, alone)
    client = await cast.rig.run.as_person(replace(CONSULTANT, user=alone.id))
    for worklist in OF_PROVIDER:
        assert members(await fetched(client, worklist)) == []
