"""`openers pas`: link services to Patient Administration Systems (PAS), and run the Test PAS."""

from __future__ import annotations

from typing import Annotated

import typer

from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line, waited
from openers.settings import Settings, check_test_packages

app = typer.Typer(no_args_is_help=True, help="Patient Administration Systems (PAS), which have the slots of services.")


@app.command()
def link(
    service: Annotated[str, typer.Argument(metavar="SERVICE_ID", help="A directly bookable service.")],
    url: Annotated[str, typer.Argument(help="FHIR base URL of the PAS.")],
    client_id: Annotated[str, typer.Option(help="The client id with which the PAS sends notifications.")] = "demo-pas",
    database_url: Annotated[str | None, typer.Option(help="sqlite:///path or postgresql://...")] = None,
    as_json: Json = False,
) -> None:
    """Link a service to a PAS, replacing an earlier link. On SQLite, stop the service first."""
    with told_in_one_line():
        waited(_link(settings_of(database_url=database_url), (service, url, client_id)))
    say(f"service {service} is linked to {url}", {"service": service, "pas": url}, as_json=as_json)


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> None:
    """Serve the Test PAS; its own options follow."""
    with told_in_one_line():
        check_test_packages()
    from openers_testpas.__main__ import app as testpas  # a separate system with its own options

    testpas(["serve", *context.args], prog_name="openers pas")


async def _link(settings: Settings, wanted: tuple[str, str, str]) -> None:
    """Link a service. Raises BlockingIOError, Unavailable, FieldRefused, ValueError."""
    from openers.cli.writing import writing_world
    from openers.domain.identifiers import ServiceId
    from openers.usecases.booking.link_pas import LinkPas, link_pas

    service, url, client_id = wanted
    command = LinkPas(service=ServiceId(service), url=url, client_id=client_id)
    async with writing_world(settings, "Link PAS") as world:
        await link_pas(command, world)
