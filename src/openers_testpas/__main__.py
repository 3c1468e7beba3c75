"""`python -m openers_testpas serve`: each option is also an environment variable, `TESTPAS_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from openers_testpas.faults import Fault
from openers_testpas.hospital.clinics import DEMO, BadClinics
from openers_testpas.hospital.store import InUse
from openers_testpas.options import Options
from openers_testpas.outbound.service import BadKey
from openers_testpas.server import serve as run

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Test PAS: a Patient Administration System.")


@app.callback()
def _several() -> None:
    """Test PAS: a Patient Administration System to book appointments with. Synthetic data only."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(envvar="TESTPAS_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="TESTPAS_PORT", help="Port to listen on.")] = 8002,
    base_url: Annotated[str | None, typer.Option(envvar="TESTPAS_BASE_URL", help="Public address.")] = None,
    service: Annotated[
        str, typer.Option(envvar="TESTPAS_SERVICE", help="Address of the referral service.")
    ] = "http://127.0.0.1:8000",
    service_at: Annotated[
        str | None, typer.Option(envvar="TESTPAS_SERVICE_AT", help="Its address from here, if different.")
    ] = None,
    database: Annotated[Path, typer.Option(envvar="TESTPAS_DATABASE", help="SQLite file.")] = Path("var/testpas.db"),
    client_id: Annotated[
        str, typer.Option(envvar="TESTPAS_CLIENT_ID", help="Its client id at the service.")
    ] = "demo-pas",
    client_key: Annotated[
        Path | None, typer.Option(envvar="TESTPAS_CLIENT_KEY", help="File with its private JSON Web Key.")
    ] = None,
    clinics: Annotated[Path, typer.Option(envvar="TESTPAS_CLINICS", help="TOML file of clinics.")] = DEMO,
    seed: Annotated[int, typer.Option(envvar="TESTPAS_SEED", help="Seed of ids, leave and taken slots.")] = 1,
    faults: Annotated[str, typer.Option(envvar="TESTPAS_FAULTS", help="JSON array of faults to inject.")] = "[]",
    first_pause_s: Annotated[
        float, typer.Option(envvar="TESTPAS_FIRST_PAUSE_S", help="Seconds before a second attempt.")
    ] = 1,
) -> None:
    """Serve the FHIR interface, the diary and the control plane."""
    try:
        options = Options(
            host=host,
            port=port,
            base_url=base_url,
            service=service,
            service_at=service_at,
            database=database,
            client_id=client_id,
            client_key=client_key,
            clinics=clinics,
            seed=seed,
            faults=msgspec.json.decode(faults, type=tuple[Fault, ...]),
            first_pause_s=first_pause_s,
        )
        run(options)
    except (InUse, BadClinics, BadKey, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
