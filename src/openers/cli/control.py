"""Call the test control of a running service, for the commands that change its worlds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from openers.cli.problems import settings_of
from openers_client.http import RefusedReply, ServiceUnreachable, lines, send

HERE: Final = ""
"""Placeholder for the address in the settings of this environment."""
REFUSED: Final = 400
MAIN: Final = "main"


def address(given: str) -> str:
    """Return the given address, or else that of the settings, without a slash at its end."""
    return (given or settings_of().base_url).rstrip("/")


BaseUrl = Annotated[
    str,
    typer.Option(
        "--base-url",
        envvar="OPENERS_BASE_URL",
        help="Address of the service.",
        show_default="from the settings",
        callback=address,
    ),
]
WorldName = Annotated[str, typer.Option("--world", help="Name of the world: main, or a fork.")]


def ask(method: str, address: str, body: dict[str, Any] | None = None, world: str = "main") -> dict[str, Any]:
    """Return the reply of test control. Prints a refusal and raises `typer.Exit`."""
    headers = {"Content-Type": "application/json", **_naming(world)}
    try:
        answer = send(method, address, None if body is None else json.dumps(body), headers)
    except ServiceUnreachable as error:
        raise _failure(f"{error}; start one with `make run`, or give its address with --base-url") from None
    told = answer.json()
    if answer.status >= REFUSED:
        raise _failure(
            str(told.get("error") or f"the service returned {answer.status}; check that it runs in test mode")
        )
    return told


def follow(address: str, world: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream as they happen, until the service ends it.

    Prints a refusal and raises `typer.Exit`.
    """
    try:
        for line in lines(address, {"Accept": "text/event-stream", **_naming(world)}):
            kind, _, value = line.partition(": ")
            if kind == "data":
                yield json.loads(value)
    except RefusedReply as error:
        raise _failure(str(error.answer.json().get("error") or f"the service returned {error.answer.status}")) from None
    except ServiceUnreachable as error:
        raise _failure(str(error)) from None


def _naming(world: str) -> dict[str, str]:
    """Return the header that names a world; none for main, since the address may name another one."""
    return {} if world == MAIN else {"X-OpenERS-Tenant": world}


def _failure(text: str) -> typer.Exit:
    typer.echo(f"openers: {text}", err=True)
    return typer.Exit(1)
