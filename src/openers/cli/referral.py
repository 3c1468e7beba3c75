"""`openers referral`: record acts that staff of the real service record on web pages, without an API."""

from __future__ import annotations

from typing import Annotated

import typer

from openers.cli.output import Json, say
from openers.cli.problems import settings_of, told_in_one_line, waited
from openers.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Referrals: record what has no API. On SQLite, stop the service first.")
UbrnArgument = Annotated[str, typer.Argument(metavar="UBRN")]
DatabaseUrl = Annotated[str | None, typer.Option(help="sqlite:///path or postgresql://...")]


@app.command("book-by-telephone")
def book_by_telephone(
    ubrn: UbrnArgument,
    service: Annotated[str, typer.Argument(metavar="SERVICE_ID", help="A shortlisted, indirectly bookable service.")],
    start: Annotated[str, typer.Argument(metavar="START", help="Such as 2030-01-31T09:30:00Z.")],
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Record a booking that the patient or the practice made by telephone."""
    with told_in_one_line():
        waited(_book(settings_of(database_url=database_url), (ubrn, service, start)))
    booked = {"booked": ubrn, "service": service, "start": start}
    say(f"referral {ubrn} is booked at service {service}", booked, as_json=as_json)


@app.command()
def assess(ubrn: UbrnArgument, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Record that an assessment service has seen the patient."""
    with told_in_one_line():
        waited(_assess(settings_of(database_url=database_url), ubrn))
    say(f"referral {ubrn} is assessed", {"assessed": ubrn}, as_json=as_json)


@app.command()
def relate(
    ubrn: UbrnArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER_UBRN", help="Another referral of the same patient.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Record that two referrals belong to one pathway, such as a referral and its onward referral."""
    with told_in_one_line():
        waited(_relate(settings_of(database_url=database_url), ubrn, other))
    typer.echo(f"referrals {ubrn} and {other} are related")


async def _book(settings: Settings, told: tuple[str, str, str]) -> None:
    """Book. Raises BlockingIOError, Unavailable, FieldRefused, NotFound, RecordLocked, ValueError."""
    from openers.cli.writing import writing_world
    from openers.domain.identifiers import ServiceId, Ubrn
    from openers.usecases.booking.book_by_telephone import BookByTelephone
    from openers.usecases.booking.book_by_telephone import book_by_telephone as book
    from openers.wire.instants import read_instant

    ubrn, service, start = told
    command = BookByTelephone(ubrn=Ubrn(ubrn), service=ServiceId(service), start=read_instant(start))
    async with writing_world(settings, "Book by telephone") as world:
        await book(command, world)


async def _assess(settings: Settings, ubrn: str) -> None:
    """Record an assessment. Raises BlockingIOError, Unavailable, FieldRefused, NotFound, RecordLocked, ValueError."""
    from openers.cli.writing import writing_world
    from openers.domain.identifiers import Ubrn
    from openers.usecases.referring.record_assessment import record_assessment

    async with writing_world(settings, "Record assessment") as world:
        await record_assessment(Ubrn(ubrn), world)


async def _relate(settings: Settings, ubrn: str, other: str) -> None:
    """Relate referrals. Raises BlockingIOError, Unavailable, FieldRefused, NotFound, RecordLocked, ValueError."""
    from openers.cli.writing import writing_world
    from openers.domain.identifiers import Ubrn
    from openers.usecases.referring.relate_referrals import relate_referrals

    async with writing_world(settings, "Relate referrals") as world:
        await relate_referrals(Ubrn(ubrn), Ubrn(other), world)
