"""`openers`: serve, load worlds, migrate, log in, verify the audit. Each command says what went wrong in one line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from openers.cli import token
from openers.settings import Mode, Settings, SettingsError, read_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="OpenERS: an open e-Referral Service.")
world_app = typer.Typer(no_args_is_help=True, help="Worlds: what a service in test mode starts with.")
db_app = typer.Typer(no_args_is_help=True, help="The database.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit.")
app.add_typer(token.app, name="token")
app.add_typer(world_app, name="world")
app.add_typer(db_app, name="db")
app.add_typer(audit_app, name="audit")

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]
World = Annotated[str | None, typer.Option("--world", help="Name of the world.")]


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    database_url: DatabaseUrl = None,
    world: World = None,
    workers: Annotated[int | None, typer.Option(help="Processes (PostgreSQL only).")] = None,
    mode: Annotated[Mode | None, typer.Option(help="test or production.")] = None,
) -> None:
    """Serve. The database is migrated first; nothing is loaded into it."""
    from openers.server import serve as run

    settings = _settings(host=host, port=port, database_url=database_url, world=world, workers=workers, mode=mode)
    with _told_in_one_line():
        run(settings)


@app.command()
def demo(host: Host = None, port: Port = None, database_url: DatabaseUrl = None) -> None:
    """Serve the demo world: load it if the database is empty, print the addresses and a first call."""
    from openers.cli.demo import introduce, load_if_empty
    from openers.server import serve as run

    settings = _settings(host=host, port=port, database_url=database_url, world="demo")
    with _told_in_one_line():
        asyncio.run(load_if_empty(settings))
        typer.echo(introduce(settings, Path(sys.argv[0])))
        run(settings)


@app.command()
def work(database_url: DatabaseUrl = None) -> None:
    """Run due work alone, beside services on the same PostgreSQL database."""
    from openers.cli.work import work_alone

    with _told_in_one_line():
        asyncio.run(work_alone(_settings(database_url=database_url)))


@world_app.command("list")
def list_worlds() -> None:
    """Name the worlds that can be loaded."""
    from openers.worlds.packs import pack_names

    typer.echo("\n".join(pack_names()))


@world_app.command("load")
def load_world(name: str, database_url: DatabaseUrl = None) -> None:
    """Load a world into the database, beside what is there. Not while a service runs on a SQLite file."""
    from openers.cli.demo import load

    with _told_in_one_line():
        asyncio.run(load(_settings(database_url=database_url, world=name)))


@db_app.command()
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the database to the present schema."""
    from openers.cli.demo import migrate_only

    with _told_in_one_line():
        changed = asyncio.run(migrate_only(_settings(database_url=database_url)))
    typer.echo("migrated" if changed else "nothing to do")


@audit_app.command()
def verify(
    head: Annotated[list[str] | None, typer.Option(help="A head from the log, writer:seq:hex; repeatable.")] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check the whole audit chain. Exit status 1 if anything was altered, removed, swapped, cut or rewritten."""
    from openers.cli.audit import verify_audit

    with _told_in_one_line():
        findings = asyncio.run(verify_audit(_settings(database_url=database_url), head or []))
    for finding in findings:
        typer.echo(finding.text, err=True)
    if findings:
        raise typer.Exit(1)


def _settings(**overrides: object) -> Settings:
    try:
        return read_settings(os.environ, overrides)
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"openers: {problem}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _told_in_one_line() -> Generator[None]:
    """Turn the failures that a user can do something about into one line and exit status 1."""
    from openers.domain.errors import Unavailable
    from openers.worlds.packs import PackError

    try:
        yield
    except BlockingIOError:
        typer.echo("openers: another process has the SQLite file open for writing; stop it first", err=True)
        raise typer.Exit(1) from None
    except Unavailable as error:
        typer.echo(f"openers: not available: {error.part}", err=True)
        raise typer.Exit(1) from None
    except SettingsError as error:
        typer.echo(f"openers: {error}", err=True)
        raise typer.Exit(2) from None
    except (ValueError, PackError, OSError) as error:
        typer.echo(f"openers: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
