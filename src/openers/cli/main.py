"""`openers`: serve, load worlds, migrate, log in, verify the audit and more. What goes wrong is told in one line."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from openers.cli import access_code, clock, pas, referral, token, worlds
from openers.cli.problems import settings_of, told_in_one_line
from openers.settings import Mode

app = typer.Typer(no_args_is_help=True, add_completion=False, help="OpenERS: an open e-Referral Service.")
db_app = typer.Typer(no_args_is_help=True, help="The database.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit.")
app.add_typer(token.app, name="token")
app.add_typer(worlds.app, name="world")
app.add_typer(clock.app, name="clock")
app.add_typer(pas.app, name="pas")
app.add_typer(access_code.app, name="access-code")
app.add_typer(referral.app, name="referral")
app.add_typer(db_app, name="db")
app.add_typer(audit_app, name="audit")

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]
World = Annotated[str | None, typer.Option("--world", help="Name of the world.")]
Open = Annotated[bool, typer.Option("--open", help="Requests without a token act as a demo person (test mode).")]
Frozen = Annotated[bool, typer.Option("--frozen", help="No request leaves a trace (test mode, SQLite).")]


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    database_url: DatabaseUrl = None,
    world: World = None,
    workers: Annotated[int | None, typer.Option(help="Processes (PostgreSQL only).")] = None,
    mode: Annotated[Mode | None, typer.Option(help="test or production.")] = None,
    let_in: Open = False,
    frozen: Frozen = False,
) -> None:
    """Serve. The database is migrated first; nothing is loaded into it."""
    from openers.server import serve as run

    switches = {"open": let_in or None, "frozen": frozen or None}
    given = {"host": host, "port": port, "database_url": database_url, "world": world, "workers": workers, "mode": mode}
    settings = settings_of(**given, **switches)
    with told_in_one_line():
        run(settings)


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    pas_port: Annotated[int | None, typer.Option(help="Port of the Test PAS, the same at every start.")] = None,
    database_url: DatabaseUrl = None,
    world: Annotated[
        str | None, typer.Option(help="The pack to load: a name that `openers world list` tells, or a path.")
    ] = None,
    let_in: Open = False,
    frozen: Frozen = False,
) -> None:
    """Serve a world with its Test PAS: load it if the database is empty, print addresses and a first call."""
    from openers.cli.demo import introduce, load_if_empty, pack_with_pas_at, test_pas
    from openers.server import serve as run
    from openers.worlds.packs import reference_to, world_name

    switches = {"open": let_in or None, "frozen": frozen or None}
    reference = reference_to(world or "demo", Path())
    given = {"host": host, "port": port, "database_url": database_url, "world": world_name(reference)}
    settings = settings_of(**given, **switches)
    with told_in_one_line():
        pack = pack_with_pas_at(pas_port, reference)
        asyncio.run(load_if_empty(settings, pack, insists=world is not None))
        pas = None if settings.frozen else pack.pas
        typer.echo(introduce(settings, pack, pas, Path(sys.argv[0])))
        with test_pas(settings, pas):
            run(settings)


@app.command()
def work(database_url: DatabaseUrl = None) -> None:
    """Run due work alone, beside services on the same PostgreSQL database."""
    from openers.cli.work import work_alone

    with told_in_one_line():
        asyncio.run(work_alone(settings_of(database_url=database_url)))


@db_app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database to the present schema."""
    from openers.cli.demo import migrate_only

    with told_in_one_line():
        changed = asyncio.run(migrate_only(settings_of(database_url=database_url)))
    typer.echo("migrated" if changed else "nothing to do")


@audit_app.command()
def verify(
    head: Annotated[list[str] | None, typer.Option(help="A head from the log, writer:seq:hex; repeatable.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check the whole audit chain. Exit status 1 if anything was altered, removed, swapped, cut or rewritten."""
    from openers.cli.audit import verify_audit

    with told_in_one_line():
        findings = asyncio.run(verify_audit(settings_of(database_url=database_url), head or []))
    for finding in findings:
        typer.echo(finding.text, err=True)
    if findings:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
