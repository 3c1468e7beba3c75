"""`openers admin service`: define services, link them to a PAS, and ask why one is not found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

import typer

from openers.cli.admin.calls import Administration, Refused, calling
from openers.cli.output import Json, say
from openers.domain.administration.rights import Resource
from openers_client import ServiceUnreachable
from openers_client.http import send

app = typer.Typer(no_args_is_help=True, help="Define services: save drafts, publish them, and link them to a PAS.")

Number = Annotated[str, typer.Argument(metavar="ID", help="Number of the service.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An attribute, as JSON or text; repeatable.")
]


@app.command()
@calling
def create(
    api: Administration,
    name: Annotated[str, typer.Argument(help="Name that no other service has.")],
    organisation: Annotated[str, typer.Option(help="ODS code of the provider.")],
    site: Annotated[str, typer.Option(help="ODS code of one of its sites.")],
    set_: Settings = None,
    file: Annotated[Path | None, typer.Option("--from", help="JSON file with attributes.")] = None,
    as_json: Json = False,
) -> None:
    """Save a new draft and print its number."""
    draft = {**_from_file(file), **_attributes(set_), "name": name, "organisation": organisation, "site": site}
    saved = api.ask("POST", "services", draft).json()
    say(saved["id"], saved, as_json=as_json)


@app.command("set")
@calling
def change(
    api: Administration,
    service: Number,
    attributes: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Attributes, as JSON or text.")],
    as_json: Json = False,
) -> None:
    """Change attributes of the draft; the live service stays until it is published."""
    path = f"services/{service}/draft"
    draft = api.ask("GET", path)
    saved = api.ask("PUT", path, {**draft.json(), **_attributes(attributes)}, etag=draft.headers.get("ETag", "")).json()
    say(f"draft of service {service} saved", saved, as_json=as_json)


@app.command()
@calling
def put(
    api: Administration,
    service: Number,
    file: Annotated[Path, typer.Argument(help="JSON file with the whole draft, as `show --json` prints it.")],
    as_json: Json = False,
) -> None:
    """Replace the draft as a whole."""
    path = f"services/{service}/draft"
    saved = api.ask("PUT", path, _from_file(file), etag=api.ask("GET", path).headers.get("ETag", "")).json()
    say(f"draft of service {service} saved", saved, as_json=as_json)


@app.command()
@calling
def show(
    api: Administration,
    service: Number,
    as_json: Json = False,
) -> None:
    """Print the state of a service and its draft; `--json` prints only the draft."""
    draft, live = api.ask("GET", f"services/{service}/draft").json(), api.find(Resource.SERVICES, service)
    link = api.find(Resource.PAS_LINKS, service)
    lines = {
        "state": "DRAFT" if live is None else _state(live.value),
        "version": "none" if live is None else live.version,
        "PAS": link.value["url"] if link is not None and link.value["active"] else "none",
        **{name: value for name, value in draft.items() if value not in (None, [], "")},
    }
    text = "\n".join(f"{name:24} {_in_words(value)}" for name, value in lines.items())
    say(text, draft, as_json=as_json)


@app.command("list")
@calling
def list_(
    api: Administration,
    drafts: Annotated[bool, typer.Option("--drafts", help="List drafts in place of live services.")] = False,
    organisation: Annotated[str | None, typer.Option(help="ODS code: only its services.")] = None,
    as_json: Json = False,
) -> None:
    """List live services, or drafts."""
    found = [each._asdict() for each in api.all("services/drafts" if drafts else "services", organisation)]
    lines = [f"{each['key']:>12}  {_state(each['value']):12} {each['value']['name']}" for each in found]
    say("\n".join(lines), found, as_json=as_json)


@app.command()
@calling
def check(
    api: Administration,
    service: Number,
    as_json: Json = False,
) -> None:
    """Run the checks of publishing. Exit status 1 if the draft cannot be published."""
    told = api.ask("GET", f"services/{service}/checks").json()
    lines = [f"{each['kind']} {each['place']}: {each['detail']}; {each['cure']}" for each in told["findings"]]
    ready = f"service {service} can be published" if told["publishable"] else f"service {service} cannot be published"
    say("\n".join([*lines, ready]), told, as_json=as_json)
    if not told["publishable"]:
        raise typer.Exit(1)


@app.command()
@calling
def publish(
    api: Administration,
    service: Number,
    as_json: Json = False,
) -> None:
    """Make the draft the live service, if it passes the checks."""
    live = api.ask("POST", f"services/{service}/publish")
    version = live.headers.get("ETag", "").strip('"')
    say(f"service {service} is published in version {version}", live.json(), as_json=as_json)


@app.command()
@calling
def unpublish(
    api: Administration,
    service: Number,
    as_json: Json = False,
) -> None:
    """Hide the service from searches. Its referrals stay."""
    live = api.ask("POST", f"services/{service}/unpublish").json()
    say(f"service {service} is unpublished", live, as_json=as_json)


@app.command()
@calling
def end(
    api: Administration,
    service: Number,
    on: Annotated[str, typer.Option(help="The last day, such as 2031-03-31.")],
    as_json: Json = False,
) -> None:
    """Set the last day on which the service is found."""
    live = api.ask("POST", f"services/{service}/end-date", {"on": on}).json()
    say(f"service {service} ends on {on}", live, as_json=as_json)


@app.command()
@calling
def copy(
    api: Administration,
    service: Number,
    name: Annotated[str, typer.Argument(help="Name of the copy.")],
    as_json: Json = False,
) -> None:
    """Save a copy as a new draft and print its number."""
    saved = api.ask("POST", f"services/{service}/copy", {"name": name}).json()
    say(saved["id"], saved, as_json=as_json)


@app.command()
@calling
def diff(
    api: Administration,
    service: Number,
    first: Annotated[str | None, typer.Option("--from", help="A version, or draft; otherwise the live one.")] = None,
    second: Annotated[str | None, typer.Option("--to", help="A version, or draft; otherwise the draft.")] = None,
    as_json: Json = False,
) -> None:
    """Print what differs between two versions."""
    query = {name: it for name, it in (("from", first), ("to", second)) if it}
    told = api.ask("GET", f"services/{service}/difference", query=query).json()
    lines = [f"{each['place']}: {json.dumps(each['from'])} -> {json.dumps(each['to'])}" for each in told["difference"]]
    say("\n".join(lines) or "nothing differs", told, as_json=as_json)


@app.command("link-pas")
@calling
def link_pas(
    api: Administration,
    service: Number,
    url: Annotated[str, typer.Argument(help="FHIR base URL of the PAS.")],
    pas: Annotated[
        str, typer.Option("--pas-client", help="Client id with which the PAS sends notifications.")
    ] = "demo-pas",
    make_clinic: Annotated[
        bool, typer.Option("--make-clinic", help="Let the Test PAS at this address make a clinic for the service.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Link a service, or its draft, to a PAS, and poll its slots."""
    if make_clinic:
        _make_clinic(url, service, api.ask("GET", f"services/{service}/draft").json()["name"])
    old = api.find(Resource.PAS_LINKS, service)
    wanted = {"service": service, "url": url.rstrip("/"), "client_id": pas}
    link = api.put(Resource.PAS_LINKS, wanted, old, dry_run=False).value
    polled = api.ask("POST", f"services/{service}/poll").json()["changed"]
    say(f"service {service} is linked to {url}: {polled} slots", {**link, "slots": polled}, as_json=as_json)


@app.command()
@calling
def poll(
    api: Administration,
    service: Number,
    as_json: Json = False,
) -> None:
    """Poll the PAS of the service now."""
    told = api.ask("POST", f"services/{service}/poll").json()
    say(f"{told['changed']} slots changed", told, as_json=as_json)


@app.command()
@calling
def visibility(
    api: Administration,
    service: Number,
    organisation: Annotated[str, typer.Option(help="ODS code of the referrer's organisation.")],
    more: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=VALUE", help="More of the search: priority=URGENT."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell why a search does not find the service, and which slots are hidden."""
    query = {"organisation": organisation, **dict(_pairs(more))}
    told = api.ask("GET", f"services/{service}/visibility", query=query).json()
    hidden = [each for each in told["slots"] if not each["shown"]]
    lines = [f"service {service} is shown" if told["shown"] else f"{told['hidden_by']}: {told['told']}"]
    lines.append(f"{len(told['slots']) - len(hidden)} of its next {len(told['slots'])} slots are shown")
    lines += [f"slot {each['id']} at {each['start']}: {each['hidden_by']}: {each['told']}" for each in hidden]
    say("\n".join(lines), told, as_json=as_json)


def _state(value: dict[str, Any]) -> str:
    """Return the state of a service as definers say it."""
    if "status" not in value:
        return "DRAFT" if not value["base"] else f"DRAFT of {value['base']}"
    return "PUBLISHED" if value["status"] == "PUBLISHED" else "UNPUBLISHED"


def _in_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _pairs(texts: list[str] | None) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for each in texts or ():
        name, found, value = each.partition("=")
        if not found or not name:
            raise ValueError(f"{each!r} is not written as name=value")
        pairs.append((name, value))
    return pairs


def _attributes(texts: list[str] | None) -> dict[str, Any]:
    """Return attributes in the order of the arguments; a value that is not JSON is a text."""
    found: dict[str, Any] = {}
    for name, value in _pairs(texts):
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found: object = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not a draft as JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file} does not hold a JSON object")
    return cast("dict[str, Any]", found)


def _make_clinic(url: str, service: str, name: str) -> None:
    """Let the Test PAS at an address make a clinic, unless the service has one. Raises ValueError."""
    parts = urlsplit(url)
    address, body = f"{parts.scheme}://{parts.netloc}/_control/clinics", json.dumps({"service": service, "name": name})
    try:
        answer = send("POST", address, body, {"Content-Type": "application/json"})
    except ServiceUnreachable as error:
        raise ValueError(f"{error}; --make-clinic is for the Test PAS") from None
    if answer.status >= 400:
        raise Refused(answer)
