"""`openers health`: whether the service on this machine can serve, for containers and monitors."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from openers.cli.output import Json, say
from openers.cli.problems import settings_of
from openers.listening import address_of
from openers_client.http import ServiceUnreachable, get

STATUS: Final = "/referrals/_status"
OK: Final = 200


def check(
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Address of the service; otherwise host and port of the settings.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the health of a running service. Exit status 1 if it cannot serve or does not respond."""
    if base_url is None:  # the public address may be that of a proxy, which this machine need not reach
        settings = settings_of()
        base_url = address_of(settings.host, settings.port)
    try:
        answer = get(f"{base_url.rstrip('/')}{STATUS}")
    except ServiceUnreachable as error:
        typer.echo(f"openers: {error}", err=True)
        raise typer.Exit(1) from None
    told = answer.json()
    checks = ", ".join(f"{name} {state}" for name, state in told.get("checks", {}).items())
    say(f"{told.get('status', answer.status)}: {checks}", told, as_json=as_json)
    if answer.status != OK:
        raise typer.Exit(1)
