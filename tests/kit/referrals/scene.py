"""The set-up of race tests: a service linked to a small PAS, in one or more running processes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc.jwk import RSAKey

from openers.domain.identifiers import ServiceId
from openers.key_files import read_or_make_signing_key
from openers.settings import Settings
from openers.store.engine.sqlite_connection import sqlite_path
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.booking.poll_slots import poll_now
from tests.kit.pas.small_pas import SmallPas
from tests.kit.service.live import Live, free_port, live, settings_env
from tests.kit.service.running import entry, running, settings_for

SERVICE = "11002"
PRIORITIES = ("ROUTINE", "URGENT", "TWO_WEEK_WAIT")
SCHEDULE = "everybody"


def add_slots(pas: SmallPas, count: int) -> None:
    """Add `count` free slots to the service, one each minute from tomorrow."""
    pas.add_schedule(SCHEDULE, SERVICE)
    first = (datetime.now(UTC) + timedelta(days=1)).replace(second=0, microsecond=0)
    for number in range(count):
        start = first + timedelta(minutes=number)
        times = (start.isoformat(), (start + timedelta(minutes=10)).isoformat())
        pas.add_slot(f"slot-{number}", SCHEDULE, times, *PRIORITIES)


def trust(pas: SmallPas, settings: Settings) -> None:
    """Make the PAS trust the tokens of the service with these settings."""
    signing = read_or_make_signing_key(settings.signing_key_file)
    pas.issuer, pas.kid = settings.base_url, signing.kid
    pas.key = RSAKey.import_key(dict(signing.public_keys()["keys"][0]))


async def link_and_poll(pas: SmallPas, settings: Settings) -> None:
    """Link the service to the PAS and poll its slots, before any process uses the store."""
    trust(pas, settings)
    async with running(settings) as run:
        world = run.service.world.for_call(entry())
        await link_pas(LinkPas(service=ServiceId(SERVICE), url=pas.url, client_id="demo-pas"), world)
        await poll_now(ServiceId(SERVICE), world)


async def prepared(url: str, keys: Path, pas: SmallPas, **more: str) -> dict[str, str]:
    """Prepare the store at `url` with the slots of `pas`; return the settings of the processes.

    `more` holds additional settings for the processes.
    """
    port = str(free_port())
    base_url = f"http://127.0.0.1:{port}"
    await link_and_poll(pas, settings_for(url, keys, base_url=base_url))
    return {**settings_env(url, keys), "OPENERS_PORT": port, "OPENERS_BASE_URL": base_url, **more}


@contextmanager
def served(settings: Mapping[str, str]) -> Generator[list[Live]]:
    """Run the processes: one on SQLite, two on PostgreSQL."""
    with ExitStack() as stack:
        processes = [stack.enter_context(live(settings))]
        if sqlite_path(settings["OPENERS_DATABASE_URL"]) is None:
            second = {**settings, "OPENERS_PORT": str(free_port())}
            processes.append(stack.enter_context(live(second)))
        yield processes
