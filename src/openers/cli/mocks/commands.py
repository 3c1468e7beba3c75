"""`openers mock`: servers in place of national services, for tests and demos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openers.cli.problems import told_in_one_line
from openers.settings import check_test_packages

app = typer.Typer(no_args_is_help=True, help="Servers in place of national services, with the people of a pack.")

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]
World = Annotated[str, typer.Option(help="The pack: a name from `openers world list`, or a path.")]


@app.command()
def pds(
    port: Port,
    host: Host = "127.0.0.1",
    world: World = "demo",
    public_key: Annotated[
        Path | None, typer.Option(help="Key set of the service; without it, requests need no token.")
    ] = None,
    token_life: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds for which a token is valid.")] = 599,
) -> None:
    """Serve patients as the Personal Demographics Service (PDS) does."""
    with told_in_one_line():
        check_test_packages()
        from openers.worlds.mocks.serving import serve_pds

        serve_pds((host, port), world, public_key, token_life)


@app.command()
def ods(port: Port, host: Host = "127.0.0.1", world: World = "demo") -> None:
    """Serve organisations as the Organisation Data Service (ODS) does."""
    with told_in_one_line():
        check_test_packages()
        from openers.worlds.mocks.serving import serve_ods

        serve_ods((host, port), world)
