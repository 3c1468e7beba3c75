"""`openers assurance check`: judge the calls of a client by the requirements of the interface.

The calls come from the exchange log of a running environment, from a file of its lines (NDJSON), or from a HAR file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from openers.cli.admin.calls import DEMO_CLIENT, ClientId, KeyFile, administration
from openers.cli.problems import settings_of, told_in_one_line
from openers_assurance import Assessment, Exchange, Row, UnreadableLog, in_order, read_har, read_ndjson
from openers_assurance.har import MOST_HAR_BYTES
from openers_assurance.report import as_json, as_junit, as_text, failures

LOG: Final = "/admin/v1/exchanges"
FAILED: Final = 1
app = typer.Typer(no_args_is_help=True, help="Assure a client by its calls.")


class Format(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


class FailOn(StrEnum):
    """What makes the command fail."""

    NOT_MET = "not-met"
    NOT_SEEN = "not-seen"
    NEVER = "never"


@app.callback()
def begin() -> None:
    """Assure a client by its calls."""


@app.command()
def check(
    source: Annotated[
        str | None, typer.Argument(help="A HAR file (.har), a file of the exchange log, `-`, or a base URL.")
    ] = None,
    caller: Annotated[
        list[str] | None, typer.Option(help="ASID or application whose calls are assessed; repeatable.")
    ] = None,
    operations: Annotated[str, typer.Option(help="The operations that the product uses, with commas.")] = "",
    form: Annotated[Format, typer.Option("--format", help="text, json or junit.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit with 1 for requirements in this state.")] = FailOn.NOT_MET,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
) -> None:
    """Report which requirements the calls fulfil. This is no approval by NHS England."""
    assessment = Assessment(caller or None, [each.strip() for each in operations.split(",") if each.strip()])
    with told_in_one_line():
        for exchange in in_order(_exchanges(source, client_id, key)):
            assessment.add(exchange)
        if not assessment.count:
            raise UnreadableLog("no exchange was found: call the service as the product does, and check --caller")
        rows = assessment.rows(final=True)
        report = _report(rows, assessment.count, form, fail_on)
        if output is not None:
            output.write_bytes(report)
    if output is None:
        typer.echo(report.decode())
    failed: Sequence[Row] = () if fail_on is FailOn.NEVER else failures(rows, fail_on)
    for row in failed:
        typer.echo(f"openers: {row.id} is {row.state}", err=True)
    if failed:
        raise typer.Exit(FAILED)


def _report(rows: Sequence[Row], count: int, form: Format, fail_on: FailOn) -> bytes:
    match form:
        case Format.TEXT:
            return as_text(rows, count).encode()
        case Format.JSON:
            return as_json(rows, count)
        case Format.JUNIT:
            return as_junit(rows, FailOn.NOT_MET if fail_on is FailOn.NEVER else fail_on)


def _exchanges(source: str | None, client_id: str, key: Path | None) -> Iterator[Exchange]:
    """Yield the exchanges of a source. Raises UnreadableLog, OSError."""
    if source is None or source.startswith(("http://", "https://")):
        yield from _of_service(source or settings_of().base_url, client_id, key)
    elif source == "-":
        yield from read_ndjson(sys.stdin.buffer)
    elif source.lower().endswith(".har"):
        path = Path(source)
        if path.stat().st_size > MOST_HAR_BYTES:
            raise UnreadableLog(f"{source} has more than {MOST_HAR_BYTES} bytes: record shorter HAR files")
        yield from read_har(path.read_bytes())
    else:
        with Path(source).open("rb") as lines:
            yield from read_ndjson(lines)


def _of_service(base_url: str, client_id: str, key: Path | None) -> Iterator[Exchange]:
    """Yield the exchanges that a running service has logged."""
    with administration(base_url, client_id, key) as service:
        for page in service.log_pages(LOG):
            yield from read_ndjson(page.split("\n"))
