"""If a client disconnects before its body is complete, nothing is stored, no reply is sent and no failure is logged."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio


async def test_nobody_is_answered_and_nothing_is_called_a_failure(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    creation = create_referral()
    token = await service.token(GP.user, "demo-user-app")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json", **GP.headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/referrals/FHIR{creation['url']}",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    messages: list[Any] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def _receive() -> Any:
        return messages.pop(0)

    async def _send(message: Any) -> None:
        sent.append(message)

    await service.service.edge(scope, _receive, _send)
    assert sent == []
    assert "unexpected failure" not in "".join(capsys.readouterr())
    assert await fetch(service.service.settings.database_url, "SELECT count(*) FROM referrals") == [(0,)]
