"""What ends is refused within a second by every process, on both databases, even if nobody drops cached tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import msgspec
import pytest
from tests.kit.calls.violations import STU3_PATH
from tests.kit.service.arrangements import Moved, at_time
from tests.kit.service.oauth_service import entry
from tests.kit.service.running import GP, Running

from openers.bootstrap import TRUSTED_FOR_S, service_of
from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind, Session
from openers.domain.identifiers import UserId
from openers.telemetry.metrics import Metrics
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import end_person, end_session

pytestmark = pytest.mark.anyio
APPLICATION = "demo-user-app"
End = Callable[[Tx, Instant], Awaitable[object]]


async def person_leaves(tx: Tx, _now: Instant) -> None:
    user = await tx.directory.user(UserId(GP.user))
    assert user is not None
    await tx.directory.put_user(msgspec.structs.replace(user, active=False))


async def application_ends(tx: Tx, _now: Instant) -> None:
    application = await tx.directory.application(APPLICATION)
    assert application is not None
    await tx.directory.put_application(msgspec.structs.replace(application, active=False))


async def role_is_lost(tx: Tx, now: Instant) -> None:
    user = await tx.directory.user(UserId(GP.user))
    assert user is not None
    await tx.directory.put_user(msgspec.structs.replace(user, roles=()))
    assert len(await end_person(tx, user.id, now)) == 1


async def session_ends(tx: Tx, now: Instant) -> None:
    (session,) = await tx.credentials.all(CredentialKind.SESSION, Session)
    await end_session(tx, session.id, now)


async def status(run: Running, token: str) -> int:
    client: httpx.AsyncClient = run.anonymous({**GP.headers, "Authorization": f"Bearer {token}"})
    return (await client.get(STU3_PATH)).status_code


@pytest.mark.parametrize("end", [person_leaves, application_ends, role_is_lost, session_ends])
async def test_an_end_is_in_force_within_a_second_in_every_process(on_both: Running, end: End) -> None:
    assert TRUSTED_FOR_S <= 1
    wall = Moved(on_both.service.world.wall)
    moved = at_time(on_both, wall=wall).service.world
    first, second = (Running(service_of(on_both.service.settings, moved, Metrics())) for _ in range(2))
    token = await on_both.token(GP.user, APPLICATION)
    assert [await status(each, token) for each in (first, second)] == [200, 200], "both remember the token"
    async with moved.for_call(entry()).begin("end") as tx:
        await end(tx, moved.wall.now())
    wall.by += timedelta(seconds=TRUSTED_FOR_S)
    assert [await status(each, token) for each in (first, second)] == [401, 401]
    for run in (first, second):
        for client in run.clients:
            await client.aclose()
