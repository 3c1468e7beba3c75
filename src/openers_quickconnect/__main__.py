"""`python -m openers_quickconnect`, which `openers quickconnect` runs: the pages, and commands for a terminal."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openers_client import ErsClient, ErsError
from openers_quickconnect.configuration import (
    BadConfiguration,
    Connection,
    connection_of,
    pages_of,
    read_configuration,
    values_of,
)
from openers_quickconnect.key_stores import Unlock
from openers_quickconnect.lists import WORKLISTS
from openers_quickconnect.settings import DEFAULT_PORT, Settings
from openers_quickconnect.terminal.check import Wanted, prove
from openers_quickconnect.terminal.pull import Pulled, pull

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Quick Connect: the application for professionals.")
worklist_app = typer.Typer(no_args_is_help=True, help="Worklists.")
app.add_typer(worklist_app, name="worklist")

DEFAULT_FILE = Path("application.yml")
Config = Annotated[Path | None, typer.Option(help="application.yml; by default the one in this folder, if any.")]
Service = Annotated[str | None, typer.Option(help="Base URL of the service.")]
ClientId = Annotated[str | None, typer.Option(help="Id of the registered application.")]
KeyFile = Annotated[str | None, typer.Option(help="The application's private key: JWK, PEM, PKCS#8, PKCS#12, JKS.")]
KeyPassword = Annotated[
    str | None, typer.Option(envvar="QUICKCONNECT_KEY_PASSWORD", help="Password of the file, if it has one.")
]
Secret = Annotated[
    str | None, typer.Option(envvar="QUICKCONNECT_SECRET", help="The application's secret, if it has no key.")
]
User = Annotated[str | None, typer.Option(help="User id to log in as (test mode).")]
Organisation = Annotated[str | None, typer.Option(help="ODS code of the user's organisation.")]
Function = Annotated[str | None, typer.Option("--business-function", help="The user's business function.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def connection(config: Path | None, **given: str | None) -> Connection:
    """Return the connection of the configuration file and the options. Exits with a line if they are not enough."""
    path = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    try:
        content = {} if path is None else read_configuration(path)
        folder = Path() if path is None else path.parent
        return connection_of(content, folder, {name.replace("_", "-"): value for name, value in given.items()})
    except BadConfiguration as error:
        typer.echo(f"openers quickconnect: {error}", err=True)
        raise typer.Exit(2) from error


@app.command()
def check(
    config: Config = None,
    service: Service = None,
    client_id: ClientId = None,
    key_file: KeyFile = None,
    key_password: KeyPassword = None,
    secret: Secret = None,
    user: User = None,
    organisation: Organisation = None,
    business_function: Function = None,
    as_json: AsJson = False,
) -> None:
    """Prove a connection step by step, and say what to do at the step that fails. Exit status 1 if one fails."""
    found = connection(
        config,
        service=service,
        client_id=client_id,
        key_file=key_file,
        key_password=key_password,
        secret=secret,
        user=user,
        organisation=organisation,
        business_function=business_function,
    )
    wanted = Wanted(service=found.service, application=found.application, user=found.user, role=found.role)
    if not asyncio.run(_proved(wanted, as_json=as_json)):
        raise typer.Exit(1)


@app.command()
def serve(
    config: Config = None,
    service: Annotated[str | None, typer.Option(envvar="QUICKCONNECT_SERVICE", help="Base URL of the service.")] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="QUICKCONNECT_KEY", help="The private key: JWK, PEM, PKCS#8, PKCS#12, JKS."),
    ] = None,
    key_password: KeyPassword = None,
    state: Annotated[
        str | None, typer.Option(envvar="QUICKCONNECT_STATE", help="Folder of sessions and drafts.")
    ] = None,
    host: Annotated[str | None, typer.Option(envvar="QUICKCONNECT_HOST", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(envvar="QUICKCONNECT_PORT", help="Port to listen on.")] = None,
    base_url: Annotated[str | None, typer.Option(envvar="QUICKCONNECT_BASE_URL", help="Public address.")] = None,
    issuer: Annotated[
        str | None, typer.Option(envvar="QUICKCONNECT_ISSUER", help="OpenID provider, if it is not the service.")
    ] = None,
    client_id: Annotated[
        str | None, typer.Option(envvar="QUICKCONNECT_CLIENT_ID", help="Id as registered; else quickconnect.")
    ] = None,
    production: Annotated[bool, typer.Option(help="No banner of synthetic data.")] = False,
) -> None:
    """Serve the pages. What no option says comes from application.yml."""
    import uvicorn

    from openers_quickconnect.app import application

    given: dict[str, str | None] = {
        "service": service,
        "key-file": None if key is None else str(Path(key).absolute()),
        "key-password": key_password,
        "client-id": client_id,
        "state": None if state is None else str(Path(state).absolute()),
        "host": host,
        "port": None if port is None else str(port),
        "base-url": base_url,
        "issuer": issuer,
        "production": "true" if production else None,
    }
    try:
        settings, at, number = serving(config, given)
        pages = application(settings)
    except (OSError, ValueError, BadConfiguration) as error:
        typer.echo(f"openers quickconnect: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"Quick Connect is at {settings.base_url}")
    uvicorn.run(pages, host=at, port=number, log_level="warning", access_log=False, server_header=False)


def serving(config: Path | None, given: Mapping[str, str | None]) -> tuple[Settings, str, int]:
    """Return the settings of the pages, the host and the port. Raises BadConfiguration."""
    path = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    content = {} if path is None else read_configuration(path)
    folder = Path() if path is None else path.parent
    told = {**values_of(content), **pages_of(content)}
    wanted = {**told, **{name: value for name, value in given.items() if value is not None}}
    missing = [name for name in ("service", "key-file", "state") if not wanted.get(name)]
    if missing:
        raise BadConfiguration(f"{', '.join(missing)} is missing: name it in application.yml or as an option")
    port = wanted.get("port", str(DEFAULT_PORT))
    if not (port.isascii() and port.isdigit()):
        raise BadConfiguration(f"port {port} is no number")
    host = wanted.get("host", "127.0.0.1")
    settings = Settings(
        service=wanted["service"].rstrip("/"),
        base_url=wanted.get("base-url", f"http://{host}:{port}").rstrip("/"),
        state=folder / wanted["state"],
        key=folder / wanted["key-file"],
        unlock=Unlock(wanted.get("key-password"), wanted.get("key-alias"), wanted.get("kid")),
        client_id=wanted.get("client-id", "quickconnect"),
        issuer=wanted.get("issuer", "").rstrip("/"),
        test_mode=wanted.get("production", "").lower() != "true",
    )
    return settings, host, int(port)


@worklist_app.command("pull")
def worklist_pull(
    to: Annotated[Path, typer.Option(help="Folder for the files.")],
    name: Annotated[
        str, typer.Option("--list", help=f"One of {', '.join(each.name for each in WORKLISTS)}.")
    ] = "to-review",
    config: Config = None,
    service: Service = None,
    client_id: ClientId = None,
    key_file: KeyFile = None,
    key_password: KeyPassword = None,
    secret: Secret = None,
    user: User = None,
    organisation: Organisation = None,
    business_function: Function = None,
    as_json: AsJson = False,
) -> None:
    """Download each referral of a worklist with its summary and files; go on where an earlier pull ended."""
    code = next((each.code for each in WORKLISTS if each.name == name), None)
    if code is None:
        typer.echo(
            f"openers quickconnect: --list must be one of {', '.join(each.name for each in WORKLISTS)}", err=True
        )
        raise typer.Exit(2)
    found = connection(
        config,
        service=service,
        client_id=client_id,
        key_file=key_file,
        key_password=key_password,
        secret=secret,
        user=user,
        organisation=organisation,
        business_function=business_function,
    )
    try:
        done = asyncio.run(_pulled(found, code, to))
    except (ErsError, OSError) as error:
        typer.echo(f"openers quickconnect: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(asdict(done)))
    else:
        typer.echo(f"{done.referrals} referrals, {done.files} files, {done.kept} there before: {to}")
    for line in done.failed or []:
        typer.echo(line, err=True)
    if done.failed:
        raise typer.Exit(1)


async def _proved(wanted: Wanted, *, as_json: bool) -> bool:
    """Print each step; return whether all hold."""
    holds = True
    async for step in prove(wanted):
        holds = step.holds
        if as_json:
            typer.echo(json.dumps(asdict(step)))
        else:
            typer.echo(f"{'ok' if step.holds else 'FAILED':7} {step.name:12} {step.found}")
            if step.cure:
                typer.echo(f"        {'':12} {step.cure}")
    return holds


async def _pulled(found: Connection, code: str, to: Path) -> Pulled:
    async with ErsClient(found.service) as client:
        if found.user is not None:
            session = await client.log_in_as(found.application, found.user)
        else:
            session = await client.application_session(found.application)
        return await pull(client.caller(session, found.role), code, to, _progress)


def _progress(done: int, total: int) -> None:
    """Show a bar where somebody is watching."""
    if sys.stderr.isatty():
        width = 30 * done // max(total, 1)
        end = "\n" if done == total else ""
        print(f"\r[{'#' * width:30}] {done} of {total}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    app()
