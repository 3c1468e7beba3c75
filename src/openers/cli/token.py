"""`openers token`: print a bearer token of a running service in test mode, and nothing else, on standard output.

It really logs in through the service's own pages and endpoints, with the published keys of the demo applications.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files
from typing import Annotated, Final

import typer

from openers.cli.control import HERE, BaseUrl
from openers.cli.output import Json, say
from openers_client import Application, LogInFailed, ServiceUnreachable, Tokens, application_token, log_in

KEYS: Final = ("worlds", "packs", "keys")
"""The folder of the keys in the package. Its own modules are not imported, because they are many."""
USER_APP: Final = "demo-user-app"

app = typer.Typer(no_args_is_help=True, help="Print a bearer token of a running service in test mode.")


@app.command()
def user(
    user_id: Annotated[str, typer.Argument(metavar="USER_ID")], base_url: BaseUrl = HERE, as_json: Json = False
) -> None:
    """Log a user in and print the token."""
    client = Application(USER_APP, _demo_key(USER_APP))
    _print_token(lambda: log_in(base_url, user_id, client), as_json)


@app.command("app")
def application(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID")], base_url: BaseUrl = HERE, as_json: Json = False
) -> None:
    """Print a token for an application that acts for itself."""
    key = _demo_key(client_id)
    _print_token(lambda: application_token(base_url, client_id, key), as_json)


def _print_token(get: Callable[[], Tokens], as_json: bool) -> None:
    try:
        tokens = get()
    except ServiceUnreachable as error:
        raise _failure(f"{error}; start one with `make run`, or give its address with --base-url") from None
    except LogInFailed as error:
        raise _failure(str(error)) from None
    say(tokens.access_token, asdict(tokens), as_json=as_json)


def known_key(client_id: str) -> dict[str, str]:
    """Return the published private key of a demo application. Raises ValueError."""
    kept = files("openers").joinpath(*KEYS).iterdir()
    known = {each.name.removesuffix(".json"): each for each in kept if each.name.endswith(".json")}
    if client_id not in known:
        raise ValueError(f"no key of {client_id} is known; known applications: {', '.join(sorted(known))}")
    key: dict[str, str] = json.loads(known[client_id].read_text())
    return key


def _demo_key(client_id: str) -> dict[str, str]:
    """Return the published private key of a demo application. Raises typer.Exit."""
    try:
        return known_key(client_id)
    except ValueError as error:
        raise _failure(str(error)) from None


def _failure(text: str) -> typer.Exit:
    typer.echo(f"openers token: {text}", err=True)
    return typer.Exit(1)
