"""`openers world`: load packs into a database; fork, snapshot and restore the worlds of a running service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from openers.cli.control import HERE, BaseUrl, WorldName, ask
from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line, waited
from openers.settings import check_test_packages

app = typer.Typer(no_args_is_help=True, help="Worlds: the data that a service in test mode serves.")

DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]
MOST_PLAIN: Final = 20
"""Maximum patients in a description about whom nothing is special."""
Seed = Annotated[int, typer.Option(help="Seed of the ids.")]
PackOption = Annotated[str | None, typer.Option("--pack", help="The pack to begin with: a name or path.")]


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
        waited(load_into(settings_of(database_url=database_url, world=world_name(reference)), reference))


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Write the world in the database to one file, also while a service runs."""
    from openers.cli.moving import export_world

    with told_in_one_line():
        moved = waited(export_world(settings_of(database_url=database_url), file))
    told = f"{file} contains a world with pack {moved.pack}: {moved.records} records and {moved.files} files"
    say(told, moved._asdict(), as_json=as_json)


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `openers world export`.")],
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Make a new SQLite database from an exported world."""
    from openers.cli.moving import import_world

    with told_in_one_line():
        moved = waited(import_world(settings_of(database_url=database_url), file))
    told = f"imported a world with pack {moved.pack}: {moved.records} records and {moved.files} files"
    say(told, moved._asdict(), as_json=as_json)


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


@app.command("describe")
def describe(world: WorldName = "main", base_url: BaseUrl = HERE, as_json: Json = False) -> None:
    """Describe the content of a world: organisations, people, patients, services, and what is special about each."""
    told = ask("GET", f"{base_url}/_test/worlds/{world}/description")
    say(_in_words(told), told, as_json=as_json)


def _in_words(told: dict[str, Any]) -> str:
    """Return the description as text; many patients without anything special are only counted."""
    lines = [f"{told['world']}: {told['title'] or told['pack']}"]
    for part in ("organisations", "people", "services", "patients"):
        rows: list[dict[str, Any]] = told[part]
        plain = [row for row in rows if not row["special"]] if part == "patients" else []
        shown = [row for row in rows if row not in plain[MOST_PLAIN:]]
        lines += ["", part.upper()]
        lines += ["\t".join((row["id"], row["name"], row["kind"], "; ".join(row["special"]))).rstrip() for row in shown]
        if len(shown) < len(rows):
            lines.append(f"and {len(rows) - len(shown)} others; --json lists them")
    return "\n".join(lines)


@app.command("become")
def become(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A name, or the path of a TOML file, which is uploaded.")],
    world: WorldName = "main",
    seed: Seed = 0,
    base_url: BaseUrl = HERE,
) -> None:
    """Replace all data in a world of a running service with a pack."""
    from openers.worlds.packs import to_send

    with told_in_one_line():
        sent = to_send(pack)
    ask("POST", f"{base_url}/_test/worlds/{world}/load", {**sent, "seed": seed})


@app.command("fork")
def fork(
    name: str,
    world: WorldName = "main",
    snapshot: Annotated[str | None, typer.Option(help="Fork a snapshot, not a world.")] = None,
    pack: PackOption = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the ids.")] = None,
    base_url: BaseUrl = HERE,
) -> None:
    """Create a fork, for requests with the header `X-OpenERS-Tenant: NAME`. With a pack it has only that content."""
    source = {**_pack_to_send(pack), **({} if snapshot is None else {"snapshot": snapshot})} or {"from": world}
    ask("POST", f"{base_url}/_test/worlds", {"name": name, **source, **({} if seed is None else {"seed": seed})})


@app.command("keep")
def keep_world(
    name: str,
    pack: PackOption = None,
    pas_url: Annotated[str | None, typer.Option(help="FHIR base URL of its PAS.", show_default="simulated")] = None,
    base_url: BaseUrl = HERE,
) -> None:
    """Create a world at `/w/NAME/` with its own database, which survives restarts; print its address."""
    given = {"name": name, "kept": True, **_pack_to_send(pack), **({} if pas_url is None else {"pas": pas_url})}
    told = ask("POST", f"{base_url}/_test/worlds", given)
    typer.echo(f"{told['base_url']}/")


def _pack_to_send(pack: str | None) -> dict[str, Any]:
    """Return the part of a new world's request that names or uploads its pack."""
    from openers.worlds.packs import to_send

    with told_in_one_line():
        sent = {} if pack is None else to_send(pack)
    return {"pack_name" if name == "name" else name: value for name, value in sent.items()}


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
    """Delete a fork or a kept world."""
    ask("DELETE", f"{base_url}/_test/worlds/{name}")
