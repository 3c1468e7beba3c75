"""`openers access-code`: replace or revoke a patient's access code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line, waited
from openers.settings import Settings

if TYPE_CHECKING:
    from openers.domain.identifiers import Ubrn
    from openers.usecases.world import World

app = typer.Typer(no_args_is_help=True, help="Patients' access codes, which are printed on their letters.")

UBRN = Annotated[str, typer.Argument(metavar="UBRN", help="UBRN of the referral: 12 digits, with or without spaces.")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="sqlite:///path or postgresql://...")]


@app.command()
def reset(ubrn: UBRN, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Replace the code; the code on earlier letters becomes invalid. On SQLite, stop the service first."""
    from openers.usecases.referring.access_codes import reset_access_code

    with told_in_one_line():
        waited(_do(settings_of(database_url=database_url), ubrn, reset_access_code))
    say("the referral has a new access code; print a new letter for the patient", {"reset": ubrn}, as_json=as_json)


@app.command()
def revoke(ubrn: UBRN, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Revoke the code until it is reset. On SQLite, stop the service first."""
    from openers.usecases.referring.access_codes import revoke_access_code

    with told_in_one_line():
        waited(_do(settings_of(database_url=database_url), ubrn, revoke_access_code))
    say("the referral's access code is revoked", {"revoked": ubrn}, as_json=as_json)


async def _do(settings: Settings, ubrn: str, act: Callable[[Ubrn, World], Awaitable[None]]) -> None:
    """Run an act on the access code. Raises BlockingIOError, Unavailable, FieldRefused, ValueError."""
    from openers.cli.writing import writing_world
    from openers.domain.identifiers import Ubrn

    of = Ubrn("".join(ubrn.split()))
    async with writing_world(settings, "Access code") as world:
        await act(of, world)
