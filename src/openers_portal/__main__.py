"""`python -m openers_portal serve`: run the portal. `openers portal` passes its arguments on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from openers_portal.settings import DEFAULT_PORT, BadSettings, Settings, read_environments

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The partner portal.")


@app.callback()
def main() -> None:
    """Run the partner portal."""


@app.command()
def serve(
    issuer: Annotated[str, typer.Option(envvar="PORTAL_ISSUER", help="OpenID provider at which people log in.")],
    key: Annotated[Path, typer.Option(envvar="PORTAL_KEY", help="File with the private JSON Web Key.")],
    state: Annotated[Path, typer.Option(envvar="PORTAL_STATE", help="Folder of the portal's own files.")],
    environments: Annotated[Path, typer.Option(envvar="PORTAL_ENVIRONMENTS", help="TOML file with the environments.")],
    host: Annotated[str, typer.Option(envvar="PORTAL_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORTAL_PORT", help="Port to listen on.")] = DEFAULT_PORT,
    base_url: Annotated[str | None, typer.Option(envvar="PORTAL_BASE_URL", help="Public address.")] = None,
    store: Annotated[
        str, typer.Option(envvar="PORTAL_STORE", help="Database URL; otherwise a SQLite file in the folder.")
    ] = "",
    documentation: Annotated[
        str, typer.Option(envvar="PORTAL_DOCUMENTATION", help="Address of the documentation; otherwise the issuer's.")
    ] = "",
    client_id: Annotated[str, typer.Option(envvar="PORTAL_CLIENT_ID", help="Id as registered.")] = "portal",
    operator: Annotated[
        list[str] | None, typer.Option(envvar="PORTAL_OPERATOR", help="Id of a person who gives roles; repeatable.")
    ] = None,
    smtp: Annotated[
        str, typer.Option(envvar="PORTAL_SMTP", help="Mail server, as smtp://user:password@host:587; for --production.")
    ] = "",
    mail_from: Annotated[str, typer.Option(envvar="PORTAL_MAIL_FROM", help="Sender of mail.")] = "portal@localhost",
    production: Annotated[bool, typer.Option(help="No banner of synthetic data, and no page with sent mail.")] = False,
) -> None:
    """Serve the pages."""
    import uvicorn

    from openers_portal.app import application

    try:
        pages = application(
            Settings(
                base_url=(base_url or f"http://{host}:{port}").rstrip("/"),
                issuer=issuer.rstrip("/"),
                documentation=documentation or f"{issuer.rstrip('/')}/docs/",
                state=state,
                store=store or f"sqlite:///{state / 'portal.db'}",
                key=key,
                client_id=client_id,
                environments=read_environments(environments),
                operators=tuple(operator or ()),
                test_mode=not production,
                smtp=smtp if production else "",
                mail_from=mail_from,
            )
        )
    except (OSError, ValueError, BadSettings) as error:
        typer.echo(f"openers portal: {error}", err=True)
        raise typer.Exit(2) from error
    uvicorn.run(pages, host=host, port=port, log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    app()
