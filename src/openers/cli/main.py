"""`openers`: serve, load worlds, migrate, log in, verify the audit and more. Errors are printed in one line."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openers.cli import access_code, applications, clock, health, inspecting, pas, referral, token, worlds
from openers.cli.admin import begin as administration
from openers.cli.assurance import check as assurance
from openers.cli.backup import commands as backup
from openers.cli.mocks import commands as mocks
from openers.cli.output import Json, say
from openers.cli.problems import service_addresses, settings_of, told_in_one_line, waited
from openers.cli.proving import ca, card
from openers.settings import Mode, Settings, check_test_packages

if TYPE_CHECKING:
    from openers.worlds.packs import Pack

app = typer.Typer(no_args_is_help=True, help="OpenERS: an open e-Referral Service.")
db_app = typer.Typer(no_args_is_help=True, help="The database.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit.")
app.add_typer(token.app, name="token")
app.add_typer(worlds.app, name="world")
app.add_typer(clock.app, name="clock")
app.add_typer(pas.app, name="pas")
app.add_typer(mocks.app, name="mock")
app.add_typer(access_code.app, name="access-code")
app.add_typer(referral.app, name="referral")
app.add_typer(inspecting.app)
app.command("portal", context_settings=applications.PASSED_ON)(applications.portal)
app.command("quickconnect", context_settings=applications.PASSED_ON)(applications.quickconnect)
app.add_typer(administration.app, name="admin")
app.add_typer(assurance.app, name="assurance")
app.add_typer(ca.app, name="ca")
app.add_typer(card.app, name="card")
app.add_typer(db_app, name="db")
app.add_typer(backup.app, name="backup")
app.command("health")(health.check)
app.add_typer(audit_app, name="audit")

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; the Test PAS of the demo uses two above it.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Public address of the service.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]
World = Annotated[
    str | None,
    typer.Option("--world", help="Name of the world, or the path of a pack to load if the database is empty."),
]
Open = Annotated[bool, typer.Option("--open", help="Requests without a token act as a demo user (test mode).")]
TlsCertificate = Annotated[
    str | None, typer.Option("--tls-certificate", help="PEM file with the certificate of the TLS listener.")
]
TlsKey = Annotated[str | None, typer.Option("--tls-key", help="PEM file with its private key.")]
TlsClientCa = Annotated[
    str | None, typer.Option("--tls-client-ca", help="PEM files of authorities of client certificates, with commas.")
]
TlsPort = Annotated[int | None, typer.Option("--tls-port", help="Port of TLS; otherwise 443 above --port.")]
Frozen = Annotated[bool, typer.Option("--frozen", help="Discard all changes of each request (test mode, SQLite).")]

PasPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the Test PAS; otherwise two above --port.")
]
QuickConnectPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of Quick Connect; otherwise three above --port.")
]
PortalPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the partner portal; otherwise four above --port.")
]
WithNeighbours = Annotated[
    bool, typer.Option("--neighbours", help="Run mocks of PDS and ODS too, and ask them: 5 and 6 above --port.")
]


def _tls(certificate: str | None, key: str | None, client_ca: str | None, port: int | None) -> dict[str, object]:
    """Return the options of TLS by the names of their settings."""
    return {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": client_ca, "tls_port": port}


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"openers {version('openers')}")
        raise typer.Exit


@app.callback()
def begin(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """OpenERS: an open e-Referral Service."""
    os.umask(0o077)  # files that this command and its children create are for their owner only


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    base_url: BaseUrl = None,
    database_url: DatabaseUrl = None,
    world: World = None,
    workers: Annotated[int | None, typer.Option(help="Processes (PostgreSQL only).")] = None,
    mode: Annotated[Mode | None, typer.Option(help="test or production.")] = None,
    let_in: Open = False,
    frozen: Frozen = False,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    tls_port: TlsPort = None,
) -> None:
    """Migrate the database, then serve. Only a pack by path is loaded, if the database is empty (test mode)."""
    from openers.listening import listen
    from openers.server import check_tls
    from openers.server import serve as run

    reference, name = _pack_by_path(world)
    where = {"host": host, "port": port, "base_url": base_url, "database_url": database_url}
    how = {"world": name, "workers": workers, "mode": mode, "open": let_in or None, "frozen": frozen or None}
    tls = _tls(tls_certificate, tls_key, tls_client_ca, tls_port)
    settings = settings_of(**where, **how, **tls)
    with told_in_one_line():
        check_tls(settings)
        pack = None if reference is None else _pack_to_load(settings, reference)
        sockets = listen(*service_addresses(settings))
        if pack is not None:
            _load_if_empty(settings, pack)
        run(settings, sockets)


def _pack_by_path(world: str | None) -> tuple[str | None, str | None]:
    """Return the reference of the pack if `--world` is the path of one, and the name of the world."""
    if world is None or not ("/" in world or world.endswith(".toml")):  # production does not import packs
        return None, world
    with told_in_one_line():
        check_test_packages()
    from openers.worlds.packs import reference_to, world_name

    reference = reference_to(world, Path())
    return reference, world_name(reference)


def _pack_to_load(settings: Settings, reference: str) -> Pack:
    """Return the pack at a path. Raises SettingsError, PackError."""
    from openers.cli.demo import only_in_test_mode, pack_with_pas, pas_address

    only_in_test_mode(settings)
    return pack_with_pas(reference, pas_address(settings))


def _load_if_empty(settings: Settings, pack: Pack) -> None:
    """Load a pack into an empty database. Raises SettingsError, Unavailable."""
    from openers.cli.demo import load_if_empty, note_of_file

    before = waited(load_if_empty(settings, pack, insists=True))
    typer.echo(note_of_file(pack, before=before), nl=False)


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    base_url: BaseUrl = None,
    pas_port: PasPort = None,
    quickconnect_port: QuickConnectPort = None,
    portal_port: PortalPort = None,
    database_url: DatabaseUrl = None,
    world: Annotated[
        str | None, typer.Option(help="The pack to load: a name from `openers world list`, or a path.")
    ] = None,
    neighbours: WithNeighbours = False,
    let_in: Open = False,
    frozen: Frozen = False,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    tls_port: TlsPort = None,
) -> None:
    """Serve a world with its Test PAS: load it if the database is empty, print addresses and a first call."""
    with told_in_one_line():
        check_test_packages()
    from openers.cli.demo import (
        Ports,
        applications_of,
        introduce,
        load_if_empty,
        note_of_file,
        only_in_test_mode,
        pack_with_pas,
        pas_address,
        running,
        with_links,
    )
    from openers.cli.mocks.beside import asking, neighbours_of
    from openers.listening import listen
    from openers.server import check_tls
    from openers.server import serve as run
    from openers.worlds.packs import reference_to, world_name

    reference = reference_to(world or "demo", Path())
    where = {"host": host, "port": port, "base_url": base_url, "database_url": database_url}
    tls = _tls(tls_certificate, tls_key, tls_client_ca, tls_port)
    settings = settings_of(**where, **tls, world=world_name(reference), open=let_in or None, frozen=frozen or None)
    with told_in_one_line():
        check_tls(settings)
        only_in_test_mode(settings)
        at = pas_address(settings, pas_port)
        pack = pack_with_pas(reference, at)
        beside = applications_of(settings, pack, at, Ports(quickconnect_port, portal_port))
        near = neighbours_of(settings, reference) if neighbours else None
        others = [*beside.addresses, *(near.addresses if near else ())]
        sockets = listen(*service_addresses(settings), others=others)
        settings = asking(with_links(settings, beside), near)
        before = waited(load_if_empty(settings, pack, insists=world is not None))
        typer.echo(introduce(settings, pack, beside, Path(sys.argv[0])) + note_of_file(pack, before=before))
        with near.running() if near else nullcontext(), running(settings, pack, beside):
            run(settings, sockets)


@app.command()
def work(database_url: DatabaseUrl = None) -> None:
    """Run only due work, beside services on the same PostgreSQL database."""
    from openers.cli.work import work_alone

    with told_in_one_line():
        waited(work_alone(settings_of(database_url=database_url)))


@db_app.command()
def migrate(database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Migrate the database to the present schema."""
    from openers.cli.migrating import migrate_only

    with told_in_one_line():
        changed = waited(migrate_only(settings_of(database_url=database_url)))
    say("migrated" if changed else "nothing to do", {"migrated": changed}, as_json=as_json)


@audit_app.command()
def verify(
    head: Annotated[list[str] | None, typer.Option(help="A head from the log, writer:seq:hex; repeatable.")] = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Verify the whole audit chain. Exit status 1 if anything was altered, removed, swapped, cut or rewritten."""
    from openers.cli.audit import verify_audit

    with told_in_one_line():
        found = waited(verify_audit(settings_of(database_url=database_url), head or []))
    say(found.summary, found, as_json=as_json)
    for finding in found.findings:
        typer.echo(finding.text, err=True)
    if found.findings:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
