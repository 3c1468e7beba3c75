"""The example of docs/contributing/first-test.md: a minimal test of an operation."""

from __future__ import annotations

import pytest
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio


async def test_a_new_referral_has_a_number(on_both: Running) -> None:
    client = await on_both.as_person(GP)
    reply = await client.post(**create_referral())
    assert reply.status_code == 201
    assert len(reply.json()["id"]) == 12
