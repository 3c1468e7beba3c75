"""`openers requests`, `openers explain` and `openers events`: look at the calls and events of a running service."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from openers.cli.control import HERE, BaseUrl, WorldName, ask, follow
from openers.cli.output import Json, say

app = typer.Typer()


@app.command()
def requests(
    status: Annotated[int | None, typer.Option(help="Only replies with this status.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only calls of this operation, such as A011.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Only calls with this correlation id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Only the last calls.")] = 20,
    world: WorldName = "main",
    base_url: BaseUrl = HERE,
    as_json: Json = False,
) -> None:
    """List the last calls, the latest last."""
    wanted = {"status": status, "operation": operation, "correlation_id": correlation_id, "limit": limit}
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    told = ask("GET", f"{base_url}/_test/requests?{query}", world=world)
    lines = ["\t".join(_of_call(each)) for each in reversed(told["requests"])]
    say("\n".join(lines) or "no call is recorded", told, as_json=as_json)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="A request id, a correlation id, a number, or a UBRN.")],
    world: WorldName = "main",
    base_url: BaseUrl = HERE,
    as_json: Json = False,
) -> None:
    """Explain the reply to the last call with an id: each check, and how to correct the call."""
    told = ask("GET", f"{base_url}/_test/explain/{quote(''.join(name.split()), safe='')}", world=world)
    latest, *others = told["explanations"]
    lines = [*_of_explanation(latest), *([f"{len(others)} earlier calls have this id"] if others else [])]
    say("\n".join(lines), told, as_json=as_json)


@app.command()
def events(
    since: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    follow_them: Annotated[bool, typer.Option("--follow", "-f", help="Wait for further events; Ctrl-C ends.")] = False,
    world: WorldName = "main",
    base_url: BaseUrl = HERE,
    as_json: Json = False,
) -> None:
    """List the events of a world; JSON has one event in each line."""
    address = f"{base_url}/_test/events?since={since}"
    with suppress(KeyboardInterrupt):
        for event in follow(address, world) if follow_them else ask("GET", address, world=world)["events"]:
            say("\t".join(_of_event(event)), event, as_json=as_json)


def _of_call(each: dict[str, Any]) -> tuple[str, ...]:
    near = f"near {each['near_misses'][0]}" if each["near_misses"] else ""
    return str(each["number"]), each["at"], str(each["status"]), each["operation"] or "-", each["call"], near


def _of_event(each: dict[str, Any]) -> tuple[str, ...]:
    by = each["by"] if isinstance(each["by"], str) else json.dumps(each["by"])
    return str(each["number"]), each["at"], each["act"], f"{each['kind']} {each['key']} version {each['version']}", by


def _of_explanation(told: dict[str, Any]) -> list[str]:
    """Return the lines of an explanation."""
    lines = [f"{told['call']} returned {told['status']} ({told['operation'] or 'no operation'})"]
    lines += [f"  {step['verdict']:<15} {step['check']}{_facts(step['facts'])}" for step in told["steps"]]
    failure = told["failure"]
    if failure is not None:
        cited = [f"{each['rule']} ({each['url']})" for each in failure["rules"]]
        named = [("rule", failure["rule"]), ("source", "; ".join([*filter(None, [failure["source"]]), *cited]))]
        named += [("reply", failure["told"]), ("cure", failure["fix"]), ("page", failure["page"])]
        lines += [f"{name}: {text}" for name, text in named if text]
    return [*lines, *(f"near: {each}" for each in told["near_misses"])]


def _facts(facts: dict[str, Any]) -> str:
    return "".join(f", {name} {json.dumps(value)}" for name, value in facts.items())
