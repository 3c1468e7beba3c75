"""A GP logs in, searches, creates a referral and reads it, on both databases."""

from __future__ import annotations

import pytest
from tests.kit.referrals.words import as_read
from tests.kit.service.requests import create_referral, search
from tests.kit.service.running import CONSULTANT, GP, Running

pytestmark = pytest.mark.anyio


async def test_a_gp_searches_creates_and_reads_a_referral(on_both: Running) -> None:
    """A011 accepts a service that A010 finds, and A005 returns the referral that A011 created."""
    gp = await on_both.as_person(GP)
    found = await gp.post(**search())
    assert found.status_code == 200
    created = await gp.post(**create_referral())
    assert created.status_code == 201, created.text
    read = await gp.get(f"/STU3/ReferralRequest/{created.json()['id']}")
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, as_read(created.json()), 'W/"3"')


async def test_a_provider_without_a_relationship_sees_nothing(on_both: Running) -> None:
    """No service holds an unbooked referral, so no provider has a relationship to it."""
    gp, consultant = await on_both.as_person(GP), await on_both.as_person(CONSULTANT)
    ubrn = (await gp.post(**create_referral())).json()["id"]
    refused = await consultant.get(f"/STU3/ReferralRequest/{ubrn}")
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["details"]["coding"][0]["code"] == "NO_RELATIONSHIP"
