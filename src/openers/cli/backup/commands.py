"""`openers backup`: create a backup of a store while services run, and restore it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line, waited

app = typer.Typer(no_args_is_help=True, help="Backups of a store with all that belongs to it.")
Folder = Annotated[Path, typer.Argument(help="Folder of the data.")]
Keys = Annotated[Path, typer.Option("--keys", help="Folder of the keys: keep it elsewhere than the data.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]

WithoutDatabase = Annotated[
    bool, typer.Option("--without-database", help="PostgreSQL has a backup of its own: copy only files and keys.")
]


@app.command()
def create(
    folder: Folder,
    keys: Keys,
    database_url: DatabaseUrl = None,
    without_database: WithoutDatabase = False,
    as_json: Json = False,
) -> None:
    """Copy a store with its files and all that belongs to it into two new folders. Services may run meanwhile."""
    from importlib.metadata import version

    from openers.cli.backup.making import How, make_backup
    from openers.settings import SettingsError

    with told_in_one_line():
        settings = settings_of(database_url=database_url)
        if without_database and settings.sqlite_path is not None:
            raise SettingsError(("--without-database is for PostgreSQL: SQLite has no backup of its own",))
        how = How(version("openers"), with_database=not without_database)
        made = waited(make_backup(settings, {"data": folder, "keys": keys}, how))
    size = sum(each.size for each in made.files) / 2**20
    heads = "\n".join(f"head {head}" for head in made.heads)
    text = f"{len(made.files)} files, {size:.1f} MiB, of {made.made_at}\n{heads}".rstrip()
    say(text, made, as_json=as_json)


@app.command()
def restore(folder: Folder, keys: Keys, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Restore a backup where no store is, and verify its audit. Exit status 1 if the audit is damaged."""
    from openers.cli.backup.restoring import restore_backup

    with told_in_one_line():
        manifest, found = waited(restore_backup(settings_of(database_url=database_url), {"data": folder, "keys": keys}))
    say(f"restored the store of {manifest.made_at}\n{found.summary}", found, as_json=as_json)
    for finding in found.findings:
        typer.echo(finding.text, err=True)
    if found.findings:
        raise typer.Exit(1)
