"""Loading worlds from the command line, and what `openers demo` says when it starts."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlsplit

from openers.cli.children import child
from openers.cli.writing import writer_lock
from openers.domain.principal import RC
from openers.settings import Settings, SettingsError
from openers.store.opening import migrate
from openers.telemetry.metrics import Metrics
from openers.worlds.loader import linked_at, populate
from openers.worlds.mode import open_main, worlds_directory
from openers.worlds.packs import Pack, PackPas, read_pack
from openers.worlds.snapshots import Snapshots


async def load(settings: Settings, pack: str) -> None:
    """Load a pack, named or by the path of its file. Raises BlockingIOError, Unavailable, PackError."""
    await _load(settings, read_pack(pack), only_if_empty=False)


async def load_if_empty(settings: Settings, pack: Pack, *, insists: bool = False) -> None:
    """Load `pack` unless the database has services already. Raises BlockingIOError, Unavailable.

    `insists`: raise SettingsError if those are of another pack.
    """
    held = await _load(settings, pack, only_if_empty=True)
    if insists and held != pack.reference:
        told = f"{settings.database_url} holds the world {held}: name another database for {pack.name}"
        raise SettingsError((told,))


async def migrate_only(settings: Settings) -> bool:
    """Bring the database to the present schema; whether there was anything to do."""
    lock = writer_lock(settings)
    try:
        return await migrate(settings.database_url)
    finally:
        if lock is not None:
            lock.release()


async def _load(settings: Settings, pack: Pack, *, only_if_empty: bool) -> str:
    """The pack that the database then holds."""
    lock = writer_lock(settings)
    snapshots = Snapshots(worlds_directory(settings))
    try:
        main, _ = await open_main(settings, Metrics(), snapshots, pack.clinical_terms)
        try:
            async with main.world.read() as tx:
                loaded = bool(await tx.directory.version())
            if only_if_empty and loaded:
                return main.pack
            snapshots.put_main(await populate(main, pack, settings))
            return pack.reference
        finally:
            await main.pas.close()
            await main.world.store.close()
    finally:
        if lock is not None:
            lock.release()


def pack_with_pas_at(port: int | None, reference: str) -> Pack:
    """Return a pack, named or by path, its PAS at `port` of this machine if one is given. Raises PackError."""
    pack = read_pack(reference)
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


def introduce(settings: Settings, pack: Pack, pas: PackPas | None, command: Path) -> str:
    """Where things are, and a first call that works when pasted. `command` is how `openers` was started."""
    diary = "none" if pas is None else f"{pas.url.removesuffix('/fhir')} (the hospital's diary)"
    base = settings.base_url.rstrip("/")
    return f"""OpenERS is starting with the {pack.name} world (synthetic data; not an NHS service).

  FHIR          {settings.fhir_base_url}/STU3 and /R4
  Log-in        {base}/oauth2/authorize
  OpenAPI       {base}/referrals/openapi.json
  Health        {base}/referrals/_status
  Test PAS      {diary}

Paste this into another terminal for a first answer:

curl -sS {settings.fhir_base_url}/STU3/CodeSystem/PRIORITY \\
{_as_a_referrer(settings, pack, f"{command.resolve()} token user {{user}} --base-url {base}")}
"""


def _as_a_referrer(settings: Settings, pack: Pack, log_in: str) -> str:
    """The headers of a call by the pack's referring clinician, who needs no token where the door is open."""
    function = f'  -H "NHSD-eRS-Business-Function: {RC}"'
    if settings.open:
        return function
    person = next(each for each in pack.users if each.id == pack.open_to[RC])
    place = next(role.organisation for role in person.roles if RC in role.functions)
    token = f'  -H "Authorization: Bearer $({log_in.format(user=person.id)})" \\'
    return f'{token}\n  -H "NHSD-End-User-Organisation-ODS: {place}"{function[1:]}'
