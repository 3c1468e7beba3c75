"""The health page reports problems of the polls, the disk and the scanner, as well as of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.kit.service.running import Running, settings_for

from openers.api.health import Health, Upkeep
from openers.bootstrap import do_due_work
from openers.files.scanning import Clamd, ContentScanner
from openers.usecases.world import World
from openers.worlds.mode import open_test_service

pytestmark = pytest.mark.anyio
MUCH: Final = 2**62
HOUR: Final = timedelta(hours=1)


def upkeep(directory: Path, **changes: int) -> Upkeep:
    """Return upkeep settings with hourly polls, for which any free space in `directory` is enough."""
    return Upkeep(poll_every=HOUR, directories=[directory], **{"low_bytes": 1, "full_bytes": 1, **changes})


async def checks(world: World, needs: Upkeep) -> tuple[int, str, dict[str, str]]:
    """Return the status code, the status, and the checks that did not pass."""
    code, body = await Health(world.scanner, needs).report(world)
    found = msgspec.convert(body["checks"], dict[str, str])
    return code, str(body["status"]), {name: value for name, value in found.items() if value != "pass"}


async def test_services_whose_slots_are_not_polled_are_a_warning(service: Running, tmp_path: Path) -> None:
    """Services that were never polled cause a warning. A world without linked services has no warning."""
    world, needs = service.service.world, upkeep(tmp_path)
    assert await checks(world, needs) == (200, "warn", {"polls": "warn"})
    made = await open_test_service(settings_for(f"sqlite:///{tmp_path / 'b.db'}", tmp_path), own_pas=True)
    assert await checks(made.world, needs) == (200, "pass", {})  # this world has no linked service
    await made.close()
    await made.world.store.close()


async def test_a_poll_that_is_long_ago_is_a_warning(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """A poll is overdue after three poll intervals. The world's clock measures them."""
    from tests.kit.service.running import copied

    made = await open_test_service(settings_for(copied(sqlite_template, tmp_path), keys), own_pas=True)
    await do_due_work(made.inner)
    needs = upkeep(tmp_path)
    assert await checks(made.world, needs) == (200, "pass", {})
    for hours, expected in ((2, "pass"), (2, "warn")):
        made.worlds.main.clock.set(made.worlds.main.clock.now() + hours * HOUR)
        assert (await checks(made.world, needs))[1] == expected
    await made.close()
    await made.world.store.close()


@pytest.mark.parametrize(
    ("room", "code", "disk"),
    [({}, 200, None), ({"low_bytes": MUCH}, 200, "warn"), ({"full_bytes": MUCH}, 503, "fail")],
)
async def test_a_disk_that_fills_is_seen(
    service: Running, tmp_path: Path, room: dict[str, int], code: int, disk: str | None
) -> None:
    """Low space is a warning; almost no space is a failure, because nothing can be written."""
    found = await checks(service.service.world, upkeep(tmp_path, **room))
    assert (found[0], found[2].get("disk")) == (code, disk)


async def test_a_disk_that_is_gone_is_a_failure(service: Running, tmp_path: Path) -> None:
    """A missing folder, for example after an unmount, is a failure."""
    assert (await checks(service.service.world, upkeep(tmp_path / "gone")))[:2] == (503, "fail")


@asynccontextmanager
async def daemon(answer: bytes | None) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """Run a daemon that sends this reply, or none; yield its address and the requests that it received."""
    asked: list[bytes] = []
    done = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\0"))
        if answer is None:
            await done.wait()
        else:
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(behave, "127.0.0.1", 0) as server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        done.set()


@pytest.mark.parametrize(
    ("answer", "expected"), [(b"PONG\0", None), (b"stream: OK\0", "warn"), (b"", "warn"), (None, "warn")]
)
async def test_a_scanner_that_does_not_answer_is_a_warning(
    service: Running, tmp_path: Path, answer: bytes | None, expected: str | None
) -> None:
    """A scanner with no or a wrong reply causes a warning. Concurrent health checks send it only one request."""
    async with daemon(answer) as (url, asked):
        world = msgspec.structs.replace(service.service.world, scanner=ContentScanner(Clamd(url)))
        health = Health(world.scanner, upkeep(tmp_path))
        reports = await asyncio.gather(*(health.report(world) for _ in range(20)))
    found = {str(msgspec.to_builtins(body["checks"])["scanner"]) for _, body in reports}
    assert found == {expected or "pass"}
    assert asked == [b"zPING\0"]


async def test_no_scanner_at_all_is_a_warning(service: Running, tmp_path: Path) -> None:
    """A scanner address at which nothing listens causes a warning."""
    world = msgspec.structs.replace(service.service.world, scanner=ContentScanner(Clamd("tcp://127.0.0.1:1")))
    assert (await checks(world, upkeep(tmp_path)))[2]["scanner"] == "warn"
