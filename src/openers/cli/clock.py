"""`openers clock`: read and set the clock of a world of a running service in test mode."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from openers.cli.control import HERE, BaseUrl, WorldName, ask
from openers.cli.output import Json, say

app = typer.Typer(no_args_is_help=True, help="The clock of a world.")


@app.command("show")
def show(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Show the time in a world."""
    _say(ask("GET", f"{base_url}/_test/clock", world=world), as_json)


@app.command("set")
def set_to(now: str, world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Set the clock to an instant such as 2026-12-01T09:00:00Z, without running due work."""
    _say(ask("PUT", f"{base_url}/_test/clock", {"now": now}, world), as_json)


@app.command("freeze")
def freeze(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Stop the clock."""
    _say(ask("PUT", f"{base_url}/_test/clock", {"running": False}, world), as_json)


@app.command("run")
def run(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Start the clock."""
    _say(ask("PUT", f"{base_url}/_test/clock", {"running": True}, world), as_json)


@app.command("real")
def real(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Return the clock to the real time."""
    _say(ask("PUT", f"{base_url}/_test/clock", {"real": True}, world), as_json)


@app.command("advance")
def advance(
    days: Annotated[float, typer.Option(min=0)] = 0,
    hours: Annotated[float, typer.Option(min=0)] = 0,
    minutes: Annotated[float, typer.Option(min=0)] = 0,
    to: Annotated[str | None, typer.Option(help="The instant to advance to, such as 2026-12-01T09:00:00Z.")] = None,
    world: WorldName = "main",
    base_url: BaseUrl = HERE,
    as_json: Json = False,
) -> None:
    """Advance the clock; due work on the way runs in order and is listed."""
    stretch = {"days": days, "hours": hours, "minutes": minutes}
    if any(stretch.values()) == (to is not None):
        problem = "give the time to advance by, with --days, --hours or --minutes; or else an instant, with --to"
        typer.echo(f"openers: {problem}", err=True)
        raise typer.Exit(2)
    wanted = stretch if to is None else {"to": to}
    _say(ask("POST", f"{base_url}/_test/clock/advance", wanted, world), as_json)


def _say(told: dict[str, Any], as_json: bool) -> None:
    lines = [
        f"{done['at']}\t{done['kind']}\t{done['key']}\t{'failed, will be retried' if done.get('failed') else 'done'}"
        for done in told["ran"]
    ]
    lines += [
        f"{pas['pas']}\t{'has the same time' if pas['told'] else 'did not adopt the time: ' + pas['reason']}"
        for pas in told["told"]
    ]
    lines.append(f"{told['now']}\t{told['world']}\t{'running' if told['running'] else 'frozen'}")
    say("\n".join(lines), told, as_json=as_json)
