"""Load worlds from the command line, and print the introduction of `openers demo`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from http import HTTPStatus
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import typer

from openers.cli.children import child
from openers.cli.problems import is_used
from openers.cli.writing import writer_lock
from openers.domain.credentials import AccessMode
from openers.domain.principal import RC
from openers.listening import Wanted, address_of, reached_at
from openers.places import PlaceKind, places_of
from openers.settings import Settings, SettingsError
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
PORTAL_ABOVE: Final = 4
"""Port of the partner portal minus that of the service."""
PORTAL: Final = "portal"
"""Client id of the partner portal."""
ENVIRONMENT: Final = "DEV1"
"""Name of the environment of a demo."""
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


def with_links(settings: Settings, beside: Applications) -> Settings:
    """Return the settings with the addresses of what runs beside the service, for links of its home page."""
    those = (None if beside.pas is None else beside.pas_at, beside.quick_connect, beside.portal)
    pas, pages, programme = (None if each is None else address_of(each.host, each.port) for each in those)
    return msgspec.structs.replace(settings, test_pas_url=pas, quick_connect_url=pages, portal_url=programme)


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


def portal_address(settings: Settings, pack: Pack, port: int | None = None) -> Wanted | None:
    """Return the address of the partner portal, four ports above the service unless another port is given.

    `None` if the pack does not register it or an application that administers, or if the world is frozen.
    """
    if settings.frozen or _administrator(pack) is None or all(each.client_id != PORTAL for each in pack.applications):
        return None
    return Wanted("the partner portal", settings.host, port or settings.port + PORTAL_ABOVE, "--portal-port")


def portal(settings: Settings, pack: Pack, at: Wanted | None) -> AbstractContextManager[None]:
    """Run the partner portal beside the service until the end of the block. Its environment is the service."""
    administrator = _administrator(pack)
    if at is None or administrator is None:
        return nullcontext()
    places = places_of(settings.database_url, is_used)
    state = places.of(PlaceKind.PORTAL)
    environments = _environments(state, settings, pack, administrator)
    with as_file(files("openers.worlds.packs").joinpath("keys", f"{PORTAL}.json")) as key:
        options = {
            "host": at.host,
            "port": str(at.port),
            "base-url": address_of(at.host, at.port),
            "issuer": settings.base_url,
            "key": str(key),
            "state": str(state),
            "environments": str(environments),
        }
    command = [sys.executable, "-m", "openers_portal", "serve"]
    for name, value in options.items():
        command += [f"--{name}", value]
    for operator in pack.portal_operators:
        command += ["--operator", operator]
    return child(at.who, command, places.of(PlaceKind.PORTAL_LOG), reached_at(at.host, at.port))


def _administrator(pack: Pack) -> str | None:
    """Return the client id of an application that administers the pack's world by itself."""
    own = [each for each in pack.applications if each.administers and each.mode is AccessMode.APPLICATION_RESTRICTED]
    able = (each.client_id for each in own if each.client_id in pack.private_keys)
    return next(able, None)


def _environments(state: Path, settings: Settings, pack: Pack, client_id: str) -> Path:
    """Write the portal's list of environments, and the key with which it administers them; return the list's path."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file, listed = state / "administrator.json", state / "environments.toml"
    key_file.touch(0o600)
    key_file.write_text(json.dumps(pack.private_keys[client_id]))
    rows = {
        "name": ENVIRONMENT,
        "base_url": settings.base_url.rstrip("/"),
        "client_id": client_id,
        "key_file": key_file.name,
        "purpose": "Development",
    }
    if pack.pas is not None:
        rows |= {"pas_url": pack.pas.url, "pas_client_id": pack.pas.client_id}
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in rows.items())
    listed.write_text(f"[[environments]]\n{text}test_mode = true\n")
    return listed


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


class Applications(NamedTuple):
    """The applications beside the service: the Test PAS, Quick Connect and the partner portal, if they run."""

    pas: PackPas | None
    pas_at: Wanted
    quick_connect: Wanted | None
    portal: Wanted | None

    @property
    def addresses(self) -> Sequence[Wanted]:
        """Return the addresses of those that run."""
        pas = None if self.pas is None else self.pas_at
        return [each for each in (pas, self.quick_connect, self.portal) if each is not None]


class Ports(NamedTuple):
    """Ports that a user has chosen."""

    quick_connect: int | None
    portal: int | None


def applications_of(settings: Settings, pack: Pack, pas_at: Wanted, ports: Ports) -> Applications:
    """Return which applications run beside the service, and where."""
    return Applications(
        None if settings.frozen else pack.pas,
        pas_at,
        quick_connect_address(settings, pack, ports.quick_connect),
        portal_address(settings, pack, ports.portal),
    )


@contextmanager
def running(settings: Settings, pack: Pack, beside: Applications) -> Generator[None]:
    """Run the applications beside the service until the end of the block, and print when the service replies."""
    with (
        test_pas(settings, beside.pas, beside.pas_at),
        quick_connect(settings, beside.quick_connect),
        portal(settings, pack, beside.portal),
        announced(settings),
    ):
        yield


def introduce(settings: Settings, pack: Pack, beside: Applications, command: Path) -> str:
    """Return the addresses, and a first call to paste. `command` is `openers`."""
    pas = beside.pas
    connect = _told(beside.quick_connect, "the application for professionals")
    programme = _told(beside.portal, "for suppliers who connect a product")
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
  Portal        {programme}

Paste this into another terminal for a first answer:

curl -sS {settings.fhir_base_url}/STU3/CodeSystem/PRIORITY \\
{_as_a_referrer(settings, pack, f"{command.resolve()} token user {{user}} --base-url {base}")}
"""


def _told(at: Wanted | None, what: str) -> str:
    return "none" if at is None else f"{address_of(at.host, at.port)}/ ({what})"


def _as_a_referrer(settings: Settings, pack: Pack, log_in: str) -> str:
    """Return the headers of a call by the pack's referring clinician; with `--open` it needs no token."""
    function = f'  -H "NHSD-eRS-Business-Function: {RC}"'
    if settings.open:
        return function
    person = next(each for each in pack.users if each.id == pack.open_to[RC])
    place = next(role.organisation for role in person.roles if RC in role.functions)
    token = f'  -H "Authorization: Bearer $({log_in.format(user=person.id)})" \\'
    return f'{token}\n  -H "NHSD-End-User-Organisation-ODS: {place}"{function[1:]}'
