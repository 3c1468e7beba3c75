"""Call the administration API of a running service as an application that is registered to administer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import typer

from openers.cli.admin.calls import private_key
from openers.cli.problems import told_in_one_line
from openers_client import LogInFailed, ServiceUnreachable, application_token
from openers_client.http import Answer, send

PREFIX: Final = "/admin/v1"
REFUSED: Final = 400


class Reply(NamedTuple):
    """A reply: the value in its body, and its ETag."""

    value: Any
    etag: str


class Api:
    """The administration of one service."""

    def __init__(self, base_url: str, client_id: str, key: Path | None) -> None:
        """Log in. Prints a refusal and raises `typer.Exit`."""
        self._base = base_url
        with told_in_one_line():
            private = private_key(client_id, key)
        tokens = _told(lambda: application_token(base_url, client_id, private))
        self._headers = {"Authorization": f"Bearer {tokens.access_token}"}

    def ask(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None, etag: str = ""
    ) -> Reply:
        """Return the reply to a call below the prefix. Prints a refusal and raises `typer.Exit`."""
        address = f"{self._base}{PREFIX}/{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, "Content-Type": "application/json", **({"If-Match": etag} if etag else {})}
        answer = _told(lambda: send(method, address, None if body is None else json.dumps(body), headers))
        if answer.status >= REFUSED:
            raise refused(answer)
        return Reply(json.loads(answer.text), answer.headers.get("ETag", ""))

    def find(self, path: str) -> Reply | None:
        """Return a record; `None` if there is none. Prints another refusal and raises `typer.Exit`."""
        answer = _told(lambda: send("GET", f"{self._base}{PREFIX}/{quote(path)}", None, self._headers))
        if answer.status == 404:
            return None
        if answer.status >= REFUSED:
            raise refused(answer)
        return Reply(json.loads(answer.text), answer.headers.get("ETag", ""))


def refused(answer: Answer) -> typer.Exit:
    """Print a refusal: its cause, place and cure, and all findings of a check. Return the exit to raise."""
    told = answer.json()
    lines = [told] if not told.get("findings") else told["findings"]
    for each in lines:
        cause = each.get("detail") or f"the service returned {answer.status}"
        typer.echo(f"openers: {each.get('place', '')}: {cause}; {each.get('cure', '')}", err=True)
    for each in told.get("difference") or ():
        typer.echo(f"openers: {each['place']}: {json.dumps(each['stored'])} is stored", err=True)
    return typer.Exit(1)


def _told(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ServiceUnreachable as error:
        typer.echo(f"openers: {error}; start one with `make run`, or give its address with --base-url", err=True)
    except LogInFailed as error:
        typer.echo(f"openers: {error}", err=True)
    raise typer.Exit(1)
