"""The stored contents of a new referral, beyond its reply. Source: rules chapter 4 (A011, A021)."""

from __future__ import annotations

import re

import pytest

from openers.domain.identifiers import OdsCode, Ubrn, UserId
from openers.domain.lifecycle import ReferralState
from openers.domain.principal import BusinessFunction, Principal
from openers.domain.referral import Referral
from tests.kit.service.requests import create_for_triage, create_referral
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio
OWNER = Principal(
    user=UserId(GP.user),
    organisation=OdsCode(GP.organisation),
    function=BusinessFunction.REFERRING_CLINICIAN,
    application="test",
    session="",
)


async def stored(run: Running, ubrn: str) -> Referral:
    """Return the stored referral."""
    async with run.service.world.read() as tx:
        return (await tx.referrals.get(Ubrn(ubrn), OWNER)).value


async def test_an_unbooked_referral_is_held_by_nobody(on_both: Running) -> None:
    """An unbooked referral has the referrer's organisation as owner, but no workgroup and no pathway start."""
    reply = await (await on_both.as_person(GP)).post(**create_referral())
    referral = await stored(on_both, reply.json()["id"])
    assert (referral.state, referral.workgroup, referral.appointment) == (ReferralState.NOT_BOOKED, None, None)
    assert (referral.owner, referral.referrer, referral.created_by) == (GP.organisation, GP.user, GP.user)
    assert referral.pathway_start is None
    assert re.fullmatch(r"r\.[0-9a-f-]{36}", referral.request_id)


async def test_a_referral_for_triage_is_held_by_its_service(on_both: Running) -> None:
    """A referral for triage has its service's workgroup, its own appointment and a pathway that starts with it."""
    gp = await on_both.as_person(GP)
    ubrns = [(await gp.post(**create_for_triage())).json()["id"] for _ in range(2)]
    one, two = [await stored(on_both, each) for each in ubrns]
    async with on_both.service.world.read() as tx:
        service = await tx.directory.service(one.shortlist.services[0].id)
    assert service is not None
    assert (one.state, one.workgroup) == (ReferralState.AWAITING_TRIAGE, service.value.workgroup)
    assert one.appointment is not None
    assert two.appointment is not None
    assert one.created == one.appointment.created == one.pathway_start
    assert one.appointment.id != two.appointment.id
    assert len({one.ubrn, two.ubrn, one.request_id, two.request_id}) == 4


async def test_a_refused_creation_uses_no_number_on_sqlite(service: Running) -> None:
    """UBRNs have no gaps where one process assigns them."""
    gp = await service.as_person(GP)
    first = int((await gp.post(**create_referral())).json()["id"])
    assert (await gp.post(**create_referral(services=("11002", "999999")))).status_code == 422
    assert int((await gp.post(**create_referral())).json()["id"]) == first + 1
