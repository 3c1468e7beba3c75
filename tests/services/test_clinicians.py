"""Clinicians of a service: in its workgroup only, allocated, or named. Source: rules part 3, chapter A.8."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.referrals.rig import SERVICE, Rig, rig
from tests.kit.service.administration import ADMIN, administered, administrator
from tests.kit.service.requests import SDS_USER, criteria, identifier, search
from tests.kit.service.running import CONSULTANT

pytestmark = pytest.mark.anyio
STATES: dict[str, tuple[list[str], list[str], bool]] = {
    "in the workgroup": ([], [], False),
    "allocated": ([], [CONSULTANT.user], False),
    "named": ([CONSULTANT.user], [CONSULTANT.user], True),
}
"""Named and allocated clinicians, and whether a search by name finds the service."""


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with administrators, and a PAS with slots of one clinician."""
    async with rig(shared_url, keys) as made:
        await administered(made.run)
        await made.add_slots(2, clinician=CONSULTANT.user)
        yield made


@pytest.mark.parametrize("state", STATES)
async def test_only_a_named_clinician_is_found_by_name(desk: Rig, state: str) -> None:
    """The slots that the PAS marks with the clinician are shown in each state, since a PAS may send anybody's."""
    named, allocated, found = STATES[state]
    client = await administrator(desk.run)
    record = (await client.get(f"{ADMIN}/services/{SERVICE}")).json()
    changed = {**record, "clinicians": named, "allocated_clinicians": allocated}
    put = await client.put(f"{ADMIN}/services/{SERVICE}", json=changed, headers={"If-Match": "*"})
    assert put.status_code == 200, put.text
    by_name = criteria(identifier("namedClinician", SDS_USER, CONSULTANT.user), without=("specialty", "clinicType"))
    reply = await desk.gp.post(**search(of=by_name))
    assert reply.status_code == 200, reply.text
    assert (SERVICE in {each["item"]["identifier"]["value"] for each in reply.json().get("entry", ())}) is found
    slots = await desk.slots(SERVICE, **{"schedule.actor:Practitioner": CONSULTANT.user})
    assert slots.json()["total"] == 2


@pytest.mark.parametrize("field", ["clinicians", "allocated_clinicians"])
@pytest.mark.parametrize(("user", "cause"), [("555900000077", "there is no person"), ("555073103100", "is not a")])
async def test_a_clinician_of_a_service_may_review_there(desk: Rig, field: str, user: str, cause: str) -> None:
    """Nobody is named or allocated who is not known, or who is no clinician at the organisation."""
    client = await administrator(desk.run)
    record = (await client.get(f"{ADMIN}/services/{SERVICE}")).json()
    sent = {**record, field: [user]}
    refused = await client.put(f"{ADMIN}/services/{SERVICE}", json=sent, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["place"]) == (422, f"/{field}"), refused.text
    assert cause in refused.json()["detail"]
