"""Load worlds from the command line, and print the introduction of `openers demo`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from http import HTTPStatus
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import msgspec
import typer

from openers.cli.children import child
from openers.cli.problems import is_used
from openers.cli.writing import writer_lock
from openers.domain.principal import RC
from openers.listening import Wanted
from openers.places import PlaceKind, places_of
from openers.settings import Settings, SettingsError, address_of, reached_at
from openers.telemetry.logs import configure
from openers.telemetry.metrics import Metrics
from openers.worlds.mode import open_main, worlds_directory
from openers.worlds.packs import Pack, PackPas, is_path, keep_loaded, read_pack
from openers.worlds.running.loader import add_applications, follow_pas, has_content, linked_at, populate
from openers.worlds.running.snapshots import Snapshots
from openers_client.http import ServiceUnreachable, send

PAS_ABOVE: Final = 2
"""Port of the Test PAS minus that of the service."""
PING: Final = "/referrals/_ping"
LOOK_AGAIN_S: Final = 0.1
QUICK_CONNECT_ABOVE: Final = 3
"""Port of Quick Connect minus that of the service."""
QUICK_CONNECT: Final = "quickconnect"
"""Client id of Quick Connect."""
PAS_PATH: Final = "/fhir"
"""Path of the FHIR interface of the Test PAS."""


async def load(settings: Settings, pack: str) -> None:
    """Load a pack by name or path. Raises BlockingIOError, Unavailable, PackError."""
    await _load(settings, pack_with_pas(pack, pas_address(settings)), only_if_empty=False)


async def load_if_empty(settings: Settings, pack: Pack, *, insists: bool = False) -> bool:
    """Load `pack` unless the database has content; return whether it had. Raises BlockingIOError, Unavailable.

    With `insists`, raise SettingsError if the content is of another pack.
    """
    held, before = await _load(settings, pack, only_if_empty=True)
    if insists and held != pack.reference:
        told = f"{settings.database_url} contains the world {held}: name another database for {pack.name}"
        raise SettingsError((told,))
    return before


async def _load(settings: Settings, pack: Pack, *, only_if_empty: bool) -> tuple[str, bool]:
    """Return the pack in the database afterwards, and whether the database had content before."""
    configure(settings.log_format)
    lock = writer_lock(settings)
    snapshots = Snapshots(worlds_directory(settings))
    try:
        main, _ = await open_main(settings, Metrics(), snapshots, pack.clinical_terms)
        try:
            if only_if_empty and await has_content(main.world):
                snapshots.put_main(await follow_pas(main, pack))
                await add_applications(main, pack)
                return main.pack, True
            pack = keep_loaded(pack, snapshots.loaded)
            snapshots.put_main(await populate(main, pack, settings))
            return pack.reference, False
        finally:
            await main.pas.close()
            await main.world.store.close()
    finally:
        if lock is not None:
            lock.release()


def only_in_test_mode(settings: Settings) -> None:
    """Raise SettingsError in production, whose database must not contain a pack's data."""
    if settings.production:
        raise SettingsError(("packs are only for test mode; in production, use openers serve without a pack",))


def pas_address(settings: Settings, port: int | None = None) -> Wanted:
    """Return the address of the Test PAS: two ports above the service unless another port is given."""
    return Wanted("the Test PAS", settings.host, port or settings.port + PAS_ABOVE, "--pas-port")


def quick_connect_address(settings: Settings, pack: Pack, port: int | None = None) -> Wanted | None:
    """Return the address of Quick Connect, three ports above the service unless another port is given.

    `None` if the pack does not register it, or if the world is frozen: then nothing could be booked.
    """
    if settings.frozen or all(each.client_id != QUICK_CONNECT for each in pack.applications):
        return None
    return Wanted("Quick Connect", settings.host, port or settings.port + QUICK_CONNECT_ABOVE, "--quickconnect-port")


def with_links(settings: Settings, pas: Wanted | None, pages: Wanted | None) -> Settings:
    """Return the settings with the addresses of what runs beside the service, for links of its home page."""
    found = [None if each is None else address_of(each.host, each.port) for each in (pas, pages)]
    return msgspec.structs.replace(settings, test_pas_url=found[0], quick_connect_url=found[1])


def quick_connect(settings: Settings, at: Wanted | None) -> AbstractContextManager[None]:
    """Run Quick Connect beside the service until the end of the block."""
    if at is None:
        return nullcontext()
    places = places_of(settings.database_url, is_used)
    with as_file(files("openers.worlds.packs").joinpath("keys", f"{QUICK_CONNECT}.json")) as key:
        options = {
            "host": at.host,
            "port": str(at.port),
            "base-url": address_of(at.host, at.port),
            "service": settings.base_url,
            "key": str(key),
            "state": str(places.of(PlaceKind.QUICK_CONNECT)),
        }
    command = [sys.executable, "-m", "openers_quickconnect", "serve"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return child(at.who, command, places.of(PlaceKind.QUICK_CONNECT_LOG), reached_at(at.host, at.port))


def pack_with_pas(reference: str, at: Wanted) -> Pack:
    """Return a pack by name or path, with its PAS, if any, at the given address. Raises PackError."""
    pack = read_pack(reference)
    return linked_at(f"{address_of(at.host, at.port)}{PAS_PATH}", pack)


def test_pas(settings: Settings, pas: PackPas | None, at: Wanted) -> AbstractContextManager[None]:
    """Run the Test PAS of the demo world beside the service until the end of the block."""
    if pas is None:
        return nullcontext()
    places = places_of(settings.database_url, is_used)
    with as_file(files("openers.worlds.packs").joinpath("keys", f"{pas.client_id}.json")) as key:
        options = {
            "host": at.host,
            "port": str(at.port),
            "base-url": pas.url.removesuffix(PAS_PATH),
            "service": settings.base_url,
            "service-at": address_of(settings.host, settings.port),
            "database": str(places.of(PlaceKind.TEST_PAS)),
            "client-id": pas.client_id,
            "client-key": str(key),
        }
    command = [sys.executable, "-m", "openers_testpas", "serve"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return child(at.who, command, places.of(PlaceKind.TEST_PAS_LOG), reached_at(at.host, at.port))


def note_of_file(pack: Pack, *, before: bool) -> str:
    """Return a note if a pack by path was not read again, since the database had it already; else an empty text."""
    if not before or not is_path(pack.reference):
        return ""
    return f"{pack.reference} was loaded before: after a change of its file, run `openers world reset`.\n"


@contextmanager
def announced(settings: Settings) -> Generator[None]:
    """Print a line when the service of the block replies."""
    ended = threading.Event()
    where = f"{address_of(settings.host, settings.port)}{PING}"

    def _wait() -> None:
        while not ended.is_set():
            with suppress(ServiceUnreachable):
                if send("GET", where).status == HTTPStatus.OK:
                    typer.echo(f"OpenERS is ready at {settings.base_url.rstrip('/')}/ (Ctrl-C stops it)")
                    return
            ended.wait(LOOK_AGAIN_S)

    threading.Thread(target=_wait, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def introduce(settings: Settings, pack: Pack, pas: PackPas | None, pages: Wanted | None, command: Path) -> str:
    """Return the addresses, and a first call to paste. `pages` is where Quick Connect is, `command` `openers`."""
    connect = "none" if pages is None else f"{address_of(pages.host, pages.port)}/ (the application for professionals)"
    diary = "none" if pas is None else f"{pas.url.removesuffix(PAS_PATH)} (the hospital's diary)"
    base = settings.base_url.rstrip("/")
    return f"""OpenERS is starting with the {pack.name} world (synthetic data; not an NHS service).

  All addresses {base}/
  Documentation {base}/docs/
  FHIR          {settings.fhir_base_url}/STU3/metadata and /R4/metadata
  Log-in        {base}/.well-known/openid-configuration
  OpenAPI       {base}/referrals/openapi.json
  Health        {base}/referrals/_status
  Test mode     {base}/_test/
  Test PAS      {diary}
  Quick Connect {connect}

Paste this into another terminal for a first answer:

curl -sS {settings.fhir_base_url}/STU3/CodeSystem/PRIORITY \\
{_as_a_referrer(settings, pack, f"{command.resolve()} token user {{user}} --base-url {base}")}
"""


def _as_a_referrer(settings: Settings, pack: Pack, log_in: str) -> str:
    """Return the headers of a call by the pack's referring clinician; with `--open` it needs no token."""
    function = f'  -H "NHSD-eRS-Business-Function: {RC}"'
    if settings.open:
        return function
    person = next(each for each in pack.users if each.id == pack.open_to[RC])
    place = next(role.organisation for role in person.roles if RC in role.functions)
    token = f'  -H "Authorization: Bearer $({log_in.format(user=person.id)})" \\'
    return f'{token}\n  -H "NHSD-End-User-Organisation-ODS: {place}"{function[1:]}'
