"""`openers admin key new` and `openers admin bootstrap`: the first administrator of an empty database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openers.cli.admin import services
from openers.cli.admin.audit import add_audit
from openers.cli.admin.exporting import add_export
from openers.cli.admin.importing import add_import
from openers.cli.admin.kinds import add_kinds
from openers.cli.admin.reports import add_reports
from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line, waited

app = typer.Typer(no_args_is_help=True, help="Administer a service: register organisations, people, services and more.")
key_app = typer.Typer(no_args_is_help=True, help="Keys of applications.")
app.add_typer(key_app, name="key")
app.add_typer(services.app, name="service")
add_kinds(app)
add_reports(app, services.app)
add_audit(app)
add_import(app)
add_export(app)


@key_app.command("new")
def new_key(
    file: Annotated[Path, typer.Argument(help="Where to write the private key. The public one is written beside it.")],
    as_json: Json = False,
) -> None:
    """Make a pair of keys: keep FILE for the application, and register FILE.public."""
    from openers.identity.registered_keys import new_pair
    from openers.key_files import make_once

    public = file.with_name(f"{file.name}.public")
    with told_in_one_line():
        for each in (file, public):
            if each.exists():
                raise ValueError(f"{each} exists already: choose another file, so that no key is lost")
        private_text, public_text = new_pair()
        make_once(file, lambda: private_text)
        make_once(public, lambda: public_text)
    say(f"private key: {file}\npublic key: {public}", {"private": file, "public": public}, as_json=as_json)


@app.command()
def bootstrap(
    client_id: Annotated[str, typer.Option(help="The client id of the first application that administers.")],
    public_key: Annotated[Path, typer.Option(help="Its public key: a JSON Web Key, a key set or a PEM file.")],
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")
    ] = None,
    as_json: Json = False,
) -> None:
    """Register the first administrator in the database. It is refused if there is one. On SQLite, stop the service."""
    with told_in_one_line():
        waited(_bootstrap(client_id, (public_key, public_key.read_bytes()), database_url))
    say(f"{client_id} may administer this service", {"client_id": client_id}, as_json=as_json)


async def _bootstrap(client_id: str, public_key: tuple[Path, bytes], database_url: str | None) -> None:
    """Register the administrator with the key in a file. Raises BlockingIOError, Unavailable, ValueError."""
    from openers.cli.writing import writing_world
    from openers.identity.registered_keys import BadKey, public_keys
    from openers.usecases.administration.first import register_first_administrator
    from openers.wire.admin.translating import client_id_of

    path, text = public_key
    try:
        keys = public_keys(text)
    except BadKey as error:
        raise ValueError(f"{path} cannot be registered: {error}") from error
    async with writing_world(settings_of(database_url=database_url), "Administration") as world:
        await register_first_administrator(client_id_of(client_id), keys, world)
