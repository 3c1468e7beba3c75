"""Reports about services: `openers admin unmapped`, `openers admin service effects` and `... last-poll`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from openers.cli.admin.calls import MOST_ON_A_PAGE, Administration, calling
from openers.cli.output import Json, say

Number = Annotated[str, typer.Argument(help="The number of the service.")]


def add_reports(app: typer.Typer, of_services: typer.Typer) -> None:
    """Add the command for all services, and those for one service."""
    _add_unmapped(app)
    _add_effects(of_services)
    _add_last_poll(of_services)


def _add_unmapped(app: typer.Typer) -> None:
    @app.command()
    @calling
    def unmapped(
        calls: Administration,
        on: Annotated[str | None, typer.Option(help="The day, such as 2031-06-23; otherwise today.")] = None,
        organisation: Annotated[str | None, typer.Option(help="ODS code: only services of it.")] = None,
        as_json: Json = False,
    ) -> None:
        """Show services with codes that are not in use, and what takes their place. Exit status 1 if nothing does."""
        found, cursor = list[dict[str, Any]](), ""
        asked = {"limit": str(MOST_ON_A_PAGE), "organisation": organisation or "", "on": on or ""}
        while True:
            query = {name: it for name, it in {**asked, "cursor": cursor}.items() if it}
            page = calls.ask("GET", "services/old-codes", query=query).json()
            found += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        lines = [_old_pair(service, pair) for service in found for pair in service["pairs"]]
        say("\n".join(lines) or "every code is in use", found, as_json=as_json)
        if any(not pair["mapped"] for service in found for pair in service["pairs"]):
            raise typer.Exit(1)


def _add_effects(app: typer.Typer) -> None:
    @app.command()
    @calling
    def effects(
        calls: Administration,
        service: Number,
        unpublish: Annotated[bool, typer.Option("--unpublish", help="Of unpublishing, instead of publishing.")] = False,
        as_json: Json = False,
    ) -> None:
        """Tell what publishing the draft would do to referrals under way."""
        query = {"change": "unpublish"} if unpublish else None
        told = calls.ask("GET", f"services/{service}/effects", query=query).json()
        lines = [f"{' '.join([each['effect'], *each['what']])}: {each['told']}" for each in told["effects"]]
        lines.append(f"{told['waiting']} referrals wait for the provider; {told['booked']} booked slots are to come")
        say("\n".join(lines), told, as_json=as_json)


def _add_last_poll(app: typer.Typer) -> None:
    @app.command("last-poll")
    @calling
    def last_poll(calls: Administration, service: Number, as_json: Json = False) -> None:
        """Show what the PAS sent at the last poll, and what became of each row."""
        told = calls.ask("GET", f"services/{service}/last-poll").json()
        asked = "all slots" if told["since"] is None else f"changes since {told['since']}"
        lines = [f"polled at {told['at']} for {asked} from {told['start']} to {told['end']}"]
        counts = f"{told['sent']} rows, {told['changed']} slots changed, {told['vanished']} of them vanished"
        lines.append(f"failed: {told['problem']}" if told["problem"] else counts)
        lines += [f"{each['became']} {json.dumps(each['sent'])}" for each in told["rows"]]
        say("\n".join(lines), told, as_json=as_json)


def _old_pair(service: dict[str, Any], pair: dict[str, Any]) -> str:
    """Return the line of one pair of a service."""
    new = ", ".join("/".join(each) for each in pair["new"]) or "nothing"
    place = f"-> {new}" if pair["mapped"] else "UNMAPPED"
    waiting = f"; {service['waiting']} referrals wait" if service["waiting"] else ""
    return f"{service['service']} {service['name']}: {'/'.join(pair['pair'])} {place}{waiting}"
