"""The service closes a file at once when the client disconnects or the reply fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.kit.files.practice import Practice, practice_in
from tests.kit.files.samples import Sample
from tests.kit.service.running import GP, Running
from tests.kit.store.outside import execute, fetch

pytestmark = pytest.mark.anyio

LONG: Final = Sample("long.txt", "text/plain", b"Dear colleague. " * 65_536)
"""Longer than one read."""


class Fetched:
    """A long file, and calls that download it."""

    def __init__(self, it: Practice, file: str, blob: str, token: str) -> None:
        """`blob` is the key of its content."""
        self.it, self.file, self.blob, self.token = it, file, blob, token

    @property
    def is_open(self) -> bool:
        """Return whether this process has its content open."""
        return any(self.blob in str(each.resolve()) for each in Path("/proc/self/fd").iterdir())

    def scope(self, path: str, **more: Any) -> dict[str, Any]:
        """Return the ASGI scope of a call."""
        named = {"Authorization": f"Bearer {self.token}", **GP.headers}
        headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
        call = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        return {**call, "raw_path": path.encode(), **more}

    async def address(self) -> str:
        """Return the download address from A042."""
        reply = await self.it.gp.get(f"/R4/Binary/{self.file}")
        return "/files/" + reply.headers["location"].rpartition("/files/")[2]


@pytest.fixture
async def fetched(service: Running) -> AsyncGenerator[Fetched]:
    """Create a practice with a scanned file; check at the end that the file is closed."""
    it = await practice_in(service)
    file = await it.file(await it.refer(), "long.txt", LONG)
    await it.scan(file)
    ((blob,),) = await fetch(service.service.settings.database_url, "SELECT blob FROM files WHERE id = ?", file)
    made = Fetched(it, file, str(blob), await service.token(GP.user, "demo-user-app"))
    yield made
    assert not made.is_open


async def stays() -> Any:
    """Wait forever, as a client that sends nothing."""
    await asyncio.Event().wait()


def breaking(fetched: Fetched) -> Any:
    """Return an ASGI `send` that fails at the first chunk of a file."""

    async def _send(message: Any) -> None:
        if message.get("more_body"):
            assert fetched.is_open
            raise OSError("the connection is gone")

    return _send


async def test_a006_is_broken_off(fetched: Fetched) -> None:
    edge = fetched.it.run.service.edge
    with pytest.raises(OSError, match="the connection is gone") as kept:
        await edge(fetched.scope(f"/referrals/FHIR/STU3/Binary/{fetched.file}"), stays, breaking(fetched))
    assert not fetched.is_open
    assert kept.value


async def test_a_signed_address_is_broken_off(fetched: Fetched) -> None:
    pages, address = fetched.it.run.service.pages, await fetched.address()
    with pytest.raises(OSError, match="the connection is gone") as kept:
        await pages(fetched.scope(address, asgi={"spec_version": "2.4"}), stays, breaking(fetched))
    assert not fetched.is_open
    assert kept.value


async def test_a_caller_hangs_up_in_the_middle(fetched: Fetched) -> None:
    """The file is closed even if the server reports the disconnect only through `receive`."""
    began = asyncio.Event()

    async def _hangs_up() -> Any:
        await began.wait()
        return {"type": "http.disconnect"}

    async def _send(message: Any) -> None:
        if message.get("more_body"):
            began.set()
            await asyncio.Event().wait()

    pages = fetched.it.run.service.pages
    await pages(fetched.scope(await fetched.address(), asgi={"spec_version": "2.3"}), _hangs_up, _send)
    assert began.is_set()
    assert not fetched.is_open


async def test_a_reply_that_can_not_be_audited(fetched: Fetched) -> None:
    """If the audit cannot be written, the file is not sent."""
    url, address = fetched.it.run.service.settings.database_url, await fetched.address()
    await execute(url, "ALTER TABLE audit_blocks RENAME TO lost")
    assert (await fetched.it.gp.get(f"/STU3/Binary/{fetched.file}")).status_code == 503
    assert not fetched.is_open
    assert (await fetched.it.run.pages().get(address)).status_code == 503
    assert not fetched.is_open
    await execute(url, "ALTER TABLE lost RENAME TO audit_blocks")
