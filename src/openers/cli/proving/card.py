"""`openers card`: the smartcard reader of a world of a running service in test mode."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from openers.cli.control import HERE, BaseUrl, WorldName, ask
from openers.cli.output import Json, say

app = typer.Typer(no_args_is_help=True, help="The smartcard reader of a world.")


@app.command("list")
def list_cards(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """List the cards of the world's people; a star marks the one in the reader."""
    told = ask("GET", f"{base_url}/_test/cards", world=world)
    lines = [f"{'*' if each['inserted'] else ' '}\t{each['uuid']}\t{each['holder']}" for each in told["cards"]]
    say("\n".join(lines), told, as_json=as_json)


@app.command("insert")
def insert(
    uuid: Annotated[str, typer.Argument(help="Number on the card: the id of its holder, 12 digits.")],
    environment: Annotated[str | None, typer.Option(help="The environment of the card, if not the reader's.")] = None,
    world: WorldName = "main",
    base_url: BaseUrl = HERE,
    as_json: Json = False,
) -> None:
    """Put a card into the reader; another card is removed first."""
    _say(ask("PUT", f"{base_url}/_test/cards/inserted", {"uuid": uuid, "environment": environment}, world), as_json)


@app.command("remove")
def remove(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Remove the card: log-ins that rest on it end, with all their tokens."""
    _say(ask("DELETE", f"{base_url}/_test/cards/inserted", world=world), as_json)


@app.command("idle")
def idle(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Leave the card unused until its time limit: log-ins that rest on it end, and the card stays."""
    _say(ask("POST", f"{base_url}/_test/cards/idle", world=world), as_json)


@app.command("ticket")
def ticket(
    new: Annotated[bool, typer.Option("--new", help="Issue a new ticket instead of the present one.")] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="End the ticket and every session of it.")] = False,
    world: WorldName = "main",
    base_url: BaseUrl = HERE,
    as_json: Json = False,
) -> None:
    """Print the log-in token of the card in the reader, which A001 of the API of 2018 takes."""
    if destroy:
        told = ask("DELETE", f"{base_url}/_test/cards/ticket", world=world)
        say(f"ended {told['ended']}", told, as_json=as_json)
    else:
        told = ask("POST", f"{base_url}/_test/cards/ticket{'/new' if new else ''}", world=world)
        say(told["ticket"], told, as_json=as_json)


def _say(told: dict[str, Any], as_json: bool) -> None:
    say(f"card {told['inserted'] or 'none'}\tended log-ins {told['ended']}", told, as_json=as_json)
