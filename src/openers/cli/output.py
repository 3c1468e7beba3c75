"""Print the output of a command: a text for people, or with `--json` one JSON value for programs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(text: str, value: Any, *, as_json: bool) -> None:
    """Print the text, or the value as JSON in one line."""
    typer.echo(msgspec.json.encode(value, enc_hook=str).decode() if as_json else text)
