"""`openers world`: load packs into a database; fork, snapshot and restore the worlds of a running service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from openers.cli.control import HERE, BaseUrl, WorldName, ask
from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line
from openers.settings import check_test_packages

app = typer.Typer(no_args_is_help=True, help="Worlds: the data that a service in test mode serves.")

DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]
Seed = Annotated[int, typer.Option(help="Seed of the ids.")]


@app.command("list")
def list_worlds(as_json: Json = False) -> None:
    """List the packs that can be loaded."""
    from openers.worlds.packs import pack_names

    say("\n".join(pack_names()), pack_names(), as_json=as_json)


@app.command("load")
def load(
    name: Annotated[str, typer.Argument(metavar="PACK", help="A name, or the path of a TOML file.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Load a pack into the database; existing data stays. On SQLite, stop the service first."""
    with told_in_one_line():
        check_test_packages()
    from openers.cli.demo import load as load_into
    from openers.worlds.packs import reference_to, world_name

    reference = reference_to(name, Path())
    with told_in_one_line():
        asyncio.run(load_into(settings_of(database_url=database_url, world=world_name(reference)), reference))


@app.command("show")
def show(base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """List the worlds and snapshots of a running service."""
    told = ask("GET", f"{base_url}/_test/worlds")
    lines = [
        f"{world['name']}\t{world['pack']}\t{world['now']}\t{'running' if world['running'] else 'frozen'}"
        for world in told["worlds"]
    ]
    lines += [f"{snapshot}\tsnapshot" for snapshot in told["snapshots"]]
    say("\n".join(lines), told, as_json=as_json)


@app.command("become")
def become(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A name, or the path of a TOML file, which is uploaded.")],
    world: WorldName = "main",
    seed: Seed = 0,
    base_url: BaseUrl = HERE,
) -> None:
    """Replace all data in a world of a running service with a pack."""
    from openers.worlds.packs import is_path, to_send

    with told_in_one_line():
        sent = to_send(Path(pack)) if is_path(pack) else {"pack": pack}
    ask("POST", f"{base_url}/_test/worlds/{world}/load", {**sent, "seed": seed})


@app.command("fork")
def fork(
    name: str,
    world: WorldName = "main",
    snapshot: Annotated[str | None, typer.Option(help="Fork a snapshot, not a world.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the ids.")] = None,
    base_url: BaseUrl = HERE,
) -> None:
    """Create a fork, for requests with the header `X-OpenERS-Tenant: NAME`."""
    source = {"from": world} if snapshot is None else {"snapshot": snapshot}
    ask("POST", f"{base_url}/_test/worlds", {"name": name, **source, **({} if seed is None else {"seed": seed})})


@app.command("snapshot")
def keep(name: str, world: WorldName = "main", base_url: BaseUrl = HERE) -> None:
    """Save a world as a snapshot."""
    ask("POST", f"{base_url}/_test/worlds/{world}/snapshot", {"name": name})


@app.command("restore")
def restore(name: str, world: WorldName = "main", base_url: BaseUrl = HERE) -> None:
    """Restore a world from a snapshot."""
    ask("POST", f"{base_url}/_test/worlds/{world}/restore", {"name": name})


@app.command("reset")
def reset(world: WorldName = "main", base_url: BaseUrl = HERE) -> None:
    """Reset a world to its initial state, and print that state; a pack whose file has changed is read again."""
    told = ask("POST", f"{base_url}/_test/worlds/{world}/reset")
    typer.echo(f"{told['name']} was reset to {told['begins_as']}.")


@app.command("drop")
def drop(name: str, base_url: BaseUrl = HERE) -> None:
    """Delete a fork."""
    ask("DELETE", f"{base_url}/_test/worlds/{name}")
