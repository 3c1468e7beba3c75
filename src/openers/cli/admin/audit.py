"""`openers admin audit`: who has seen the record of a patient."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from openers.cli.admin.calls import MOST_ON_A_PAGE, Administration, calling
from openers.cli.output import Json, say


def add_audit(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    @calling
    def audit(
        calls: Administration,
        nhs_number: Annotated[str, typer.Argument(help="The NHS number of the patient.")],
        first: Annotated[str | None, typer.Option("--from", help="The first day, such as 2031-03-01.")] = None,
        last: Annotated[str | None, typer.Option("--to", help="The last day.")] = None,
        person: Annotated[str | None, typer.Option(help="User id: only what this person did.")] = None,
        organisation: Annotated[str | None, typer.Option(help="ODS code: only roles at this organisation.")] = None,
        operation: Annotated[str | None, typer.Option(help="Only this operation, for example A005.")] = None,
        most: Annotated[int, typer.Option(min=1, help="At most this many entries.")] = 1_000,
        as_json: Json = False,
    ) -> None:
        """Show who has seen the record of a patient, the newest entries first. The search is audited too."""
        given = {"from": first, "to": last, "person": person, "organisation": organisation, "operation": operation}
        query = {name: text for name, text in given.items() if text is not None}
        found = _found(calls, {"nhs_number": nhs_number.replace(" ", ""), **query}, most)
        say("\n".join(map(_line, found)) or "no entries", found, as_json=as_json)


def _found(calls: Administration, query: dict[str, str], most: int) -> list[dict[str, Any]]:
    """Return the newest entries, at most `most` of them. Raises Refused, ServiceUnreachable."""
    found, asked = list[dict[str, Any]](), query
    while len(found) < most:
        page = calls.ask("GET", "audit", query={**asked, "limit": str(min(most - len(found), MOST_ON_A_PAGE))}).json()
        found += page["items"]
        if page["next"] is None:
            break
        asked = {**query, "cursor": page["next"]}
    return found


def _line(event: dict[str, Any]) -> str:
    """Return one entry as a line: when, who, where, in which function, what, and the status."""
    who = " ".join(each for each in (event["person"], event["person_name"]) if each) or event["application"]
    acts_for = f" for {event['on_behalf_of']}" if event["on_behalf_of"] else ""
    what = " ".join(each for each in (event["operation"], event["ubrn"], event["file"]) if each)
    return "\t".join(
        (event["at"], who + acts_for, event["organisation"], event["function"], what, str(event["outcome"]))
    )
