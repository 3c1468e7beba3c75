"""Every address outside FHIR that accepts a body limits its size and duration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.routing import Route
from tests.kit.service.running import copied, settings_for

from openers.api.addresses import Endpoint
from openers.worlds.mode import TestService, open_test_service

pytestmark = pytest.mark.anyio
MOST: Final = 2048
FORM: Final = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
async def hasty(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path
) -> AsyncGenerator[TestService]:
    """Run a service in test mode that accepts only short bodies that arrive at once."""
    url = copied(sqlite_template, tmp_path_factory.mktemp("hasty"))
    settings = settings_for(url, keys, max_body_bytes=MOST, body_timeout_s=0.05)
    service = await open_test_service(settings)
    yield service
    await service.close()
    await service.world.store.close()


def routes_with_bodies(run: TestService) -> list[tuple[str, str]]:
    """Return each method and path of the pages that may receive a body."""
    found = {(method, each.path) for each in run.inner.pages.routes for method in methods_of(each)}
    return sorted((method, path) for method, path in found if method != "GET")


def methods_of(route: Route) -> Iterable[str]:
    """Return the methods of a route."""
    assert isinstance(route.endpoint, Endpoint)
    return route.endpoint.methods


async def called(run: TestService, call: tuple[str, str], media: str, body: bytes, *, ends: bool) -> int:
    """Return the status of a call whose body may never end."""
    method, path = call
    headers = [(b"host", b"127.0.0.1:8000"), (b"content-type", media.encode())]
    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": method, "path": path.replace("{name}", "a"), "scheme": "http",
        "query_string": b"", "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("a", 1),
    }  # fmt: skip
    parts = [{"type": "http.request", "body": body, "more_body": not ends}]
    status = 0

    async def _receive() -> Any:
        if not parts:
            await asyncio.Event().wait()
        return parts.pop()

    async def _send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await run(scope, _receive, _send)
    return status


@pytest.mark.parametrize("media", [FORM, "application/json", "multipart/form-data; boundary=a"])
@pytest.mark.parametrize("ends", [True, False], ids=["too long", "without an end"])
async def test_every_route_refuses_a_body_that_is_too_long_or_too_late(
    hasty: TestService, media: str, *, ends: bool
) -> None:
    calls = routes_with_bodies(hasty)
    assert len(calls) > 10
    body = b'--a\r\nContent-Disposition: form-data; name="a"\r\n\r\n' if "boundary" in media else b"a="
    for call in calls:
        status = await asyncio.wait_for(called(hasty, call, media, body + b"a" * MOST if ends else body, ends=ends), 60)
        assert status < 500, call


@pytest.mark.parametrize(
    ("call", "media", "statuses"),
    [
        (("POST", "/oauth2/token"), FORM, (413, 408)),
        (("POST", "/oauth2/authorize"), FORM, (413, 408)),
        (("POST", "/_test/"), FORM, (413, 408)),
        (("POST", "/_test/faults"), FORM, (413, 408)),
        (("POST", "/_test/faults"), "application/json", (413, 408)),
        (("POST", "/_test/worlds"), "application/json", (413, 408)),
    ],
)
async def test_a_refused_body_has_its_status(
    hasty: TestService, call: tuple[str, str], media: str, statuses: tuple[int, int]
) -> None:
    long = await called(hasty, call, media, b"a=" + b"a" * MOST, ends=True)
    late = await called(hasty, call, media, b"a=", ends=False)
    assert (long, late) == statuses
