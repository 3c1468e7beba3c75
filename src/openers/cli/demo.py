"""Loading worlds from the command line, and what `openers demo` says when it starts."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlsplit

from openers.cli.children import child
from openers.cli.writing import writer_lock
from openers.settings import Settings
from openers.store.opening import migrate
from openers.telemetry.metrics import Metrics
from openers.worlds.loader import linked_at, populate
from openers.worlds.mode import open_main, worlds_directory
from openers.worlds.packs import Pack, PackPas, read_pack
from openers.worlds.snapshots import Snapshots


async def load(settings: Settings) -> None:
    """Load the pack that the settings' world names. Raises BlockingIOError, Unavailable."""
    await _load(settings, read_pack(settings.world), only_if_empty=False)


async def load_if_empty(settings: Settings, pack: Pack) -> None:
    """Load `pack` unless the database has services already. Raises BlockingIOError, Unavailable."""
    await _load(settings, pack, only_if_empty=True)


async def migrate_only(settings: Settings) -> bool:
    """Bring the database to the present schema; whether there was anything to do."""
    lock = writer_lock(settings)
    try:
        return await migrate(settings.database_url)
    finally:
        if lock is not None:
            lock.release()


async def _load(settings: Settings, pack: Pack, *, only_if_empty: bool) -> None:
    lock = writer_lock(settings)
    snapshots = Snapshots(worlds_directory(settings))
    try:
        main, _ = await open_main(settings, Metrics(), snapshots)
        try:
            async with main.world.read() as tx:
                loaded = bool(await tx.directory.version())
            if not (only_if_empty and loaded):
                snapshots.put_main(await populate(main, pack, settings))
        finally:
            await main.pas.close()
            await main.world.store.close()
    finally:
        if lock is not None:
            lock.release()


def pack_with_pas_at(port: int | None, settings: Settings) -> Pack:
    """The pack that the settings' world names, its PAS at `port` of this machine if one is given."""
    pack = read_pack(settings.world)
    if port is None or pack.pas is None:
        return pack
    return linked_at(urlsplit(pack.pas.url)._replace(netloc=f"127.0.0.1:{port}").geturl(), pack)


def test_pas(settings: Settings, pas: PackPas | None) -> AbstractContextManager[None]:
    """The Test PAS that the demo world is linked to, running beside the service until the end of the block."""
    if pas is None:
        return nullcontext()
    directory = settings.audit_key_file.parent.parent
    with as_file(files("openers.worlds.packs").joinpath("keys", f"{pas.client_id}.json")) as key:
        options = {
            "port": str(urlsplit(pas.url).port),
            "service": settings.base_url,
            "database": str(directory / "testpas.db"),
            "client-id": pas.client_id,
            "client-key": str(key),
        }
    command = [sys.executable, "-m", "openers_testpas", "serve"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return child("the Test PAS", command, directory / "testpas.log", int(options["port"]))


def introduce(settings: Settings, pas: PackPas | None, command: Path) -> str:
    """Where things are, and a first call that works when pasted. `command` is how `openers` was started."""
    diary = "none" if pas is None else f"{pas.url.removesuffix('/fhir')} (the hospital's diary)"
    base = settings.base_url.rstrip("/")
    openers = command.resolve()
    return f"""OpenERS is starting with the demo world (synthetic data; not an NHS service).

  FHIR          {settings.fhir_base_url}/STU3 and /R4
  Log-in        {base}/oauth2/authorize
  OpenAPI       {base}/referrals/openapi.json
  Health        {base}/referrals/_status
  Test PAS      {diary}

Paste this into another terminal for a first answer:

curl -sS {settings.fhir_base_url}/STU3/CodeSystem/PRIORITY \\
  -H "Authorization: Bearer $({openers} token user 555073103100 --base-url {base})" \\
  -H "NHSD-End-User-Organisation-ODS: D82106" -H "NHSD-eRS-Business-Function: REFERRING_CLINICIAN"
"""
