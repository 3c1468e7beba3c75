"""`openers admin service`: define services, link them to a PAS, and ask why one is not found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from openers.cli.admin.api import Api, refused
from openers.cli.admin.calls import DEMO_CLIENT, ClientId, KeyFile
from openers.cli.control import HERE, BaseUrl
from openers.cli.output import Json, say
from openers_client import ServiceUnreachable
from openers_client.http import send

app = typer.Typer(no_args_is_help=True, help="Define services: save drafts, publish them, and link them to a PAS.")

Number = Annotated[str, typer.Argument(metavar="ID", help="Number of the service.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An attribute, as JSON or text; repeatable.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name that no other service has.")],
    organisation: Annotated[str, typer.Option(help="ODS code of the provider.")],
    site: Annotated[str, typer.Option(help="ODS code of one of its sites.")],
    set_: Settings = None,
    file: Annotated[Path | None, typer.Option("--from", help="JSON file with attributes.")] = None,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Save a new draft and print its number."""
    draft = {**_from_file(file), **_attributes(set_), "name": name, "organisation": organisation, "site": site}
    saved = Api(base_url, client_id, key).ask("POST", "services", draft).value
    say(saved["id"], saved, as_json=as_json)


@app.command("set")
def change(
    service: Number,
    attributes: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Attributes, as JSON or text.")],
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Change attributes of the draft; the live service stays until it is published."""
    api, path = Api(base_url, client_id, key), f"services/{service}/draft"
    draft = api.ask("GET", path)
    saved = api.ask("PUT", path, {**draft.value, **_attributes(attributes)}, etag=draft.etag).value
    say(f"draft of service {service} saved", saved, as_json=as_json)


@app.command()
def put(
    service: Number,
    file: Annotated[Path, typer.Argument(help="JSON file with the whole draft, as `show --json` prints it.")],
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Replace the draft as a whole."""
    api, path = Api(base_url, client_id, key), f"services/{service}/draft"
    saved = api.ask("PUT", path, _from_file(file), etag=api.ask("GET", path).etag).value
    say(f"draft of service {service} saved", saved, as_json=as_json)


@app.command()
def show(
    service: Number,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Print the state of a service and its draft; `--json` prints the draft alone."""
    api = Api(base_url, client_id, key)
    draft, live = api.ask("GET", f"services/{service}/draft").value, api.find(f"services/{service}")
    link = api.find(f"pas-links/{service}")
    lines = {
        "state": "DRAFT" if live is None else _state(live.value),
        "version": "none" if live is None else live.etag.strip('"'),
        "PAS": link.value["url"] if link is not None and link.value["active"] else "none",
        **{name: value for name, value in draft.items() if value not in (None, [], "")},
    }
    text = "\n".join(f"{name:24} {_in_words(value)}" for name, value in lines.items())
    say(text, draft, as_json=as_json)


@app.command("list")
def list_(
    drafts: Annotated[bool, typer.Option("--drafts", help="List drafts in place of live services.")] = False,
    organisation: Annotated[str | None, typer.Option(help="ODS code: only its services.")] = None,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List live services, or drafts."""
    api, found, cursor = Api(base_url, client_id, key), list[dict[str, Any]](), ""
    while True:
        query = {"limit": "250", "organisation": organisation or "", "cursor": cursor}
        page = api.ask(
            "GET", "services/drafts" if drafts else "services", query={name: it for name, it in query.items() if it}
        ).value
        found += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    lines = [f"{each['key']:>12}  {_state(each['value']):12} {each['value']['name']}" for each in found]
    say("\n".join(lines), found, as_json=as_json)


@app.command()
def check(
    service: Number,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Run the checks of publishing. Exit status 1 if the draft cannot be published."""
    told = Api(base_url, client_id, key).ask("GET", f"services/{service}/checks").value
    lines = [f"{each['kind']} {each['place']}: {each['detail']}; {each['cure']}" for each in told["findings"]]
    ready = f"service {service} can be published" if told["publishable"] else f"service {service} cannot be published"
    say("\n".join([*lines, ready]), told, as_json=as_json)
    if not told["publishable"]:
        raise typer.Exit(1)


@app.command()
def publish(
    service: Number,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Make the draft the live service, if it passes the checks."""
    live = Api(base_url, client_id, key).ask("POST", f"services/{service}/publish")
    version = live.etag.strip('"')
    say(f"service {service} is published in version {version}", live.value, as_json=as_json)


@app.command()
def unpublish(
    service: Number,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Hide the service from searches. Its referrals stay."""
    live = Api(base_url, client_id, key).ask("POST", f"services/{service}/unpublish").value
    say(f"service {service} is unpublished", live, as_json=as_json)


@app.command()
def end(
    service: Number,
    on: Annotated[str, typer.Option(help="The last day, such as 2031-03-31.")],
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Set the last day on which the service is found."""
    live = Api(base_url, client_id, key).ask("POST", f"services/{service}/end-date", {"on": on}).value
    say(f"service {service} ends on {on}", live, as_json=as_json)


@app.command()
def copy(
    service: Number,
    name: Annotated[str, typer.Argument(help="Name of the copy.")],
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Save a copy as a new draft and print its number."""
    saved = Api(base_url, client_id, key).ask("POST", f"services/{service}/copy", {"name": name}).value
    say(saved["id"], saved, as_json=as_json)


@app.command()
def diff(
    service: Number,
    first: Annotated[str | None, typer.Option("--from", help="A version, or draft; otherwise the live one.")] = None,
    second: Annotated[str | None, typer.Option("--to", help="A version, or draft; otherwise the draft.")] = None,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Print what differs between two versions."""
    query = {name: it for name, it in (("from", first), ("to", second)) if it}
    told = Api(base_url, client_id, key).ask("GET", f"services/{service}/difference", query=query).value
    lines = [f"{each['place']}: {json.dumps(each['from'])} -> {json.dumps(each['to'])}" for each in told["difference"]]
    say("\n".join(lines) or "nothing differs", told, as_json=as_json)


@app.command("link-pas")
def link_pas(
    service: Number,
    url: Annotated[str, typer.Argument(help="FHIR base URL of the PAS.")],
    pas: Annotated[
        str, typer.Option("--pas-client", help="Client id with which the PAS sends notifications.")
    ] = "demo-pas",
    make_clinic: Annotated[
        bool, typer.Option("--make-clinic", help="Let the Test PAS at this address make a clinic for the service.")
    ] = False,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Link a service, or its draft, to a PAS, and poll its slots."""
    api = Api(base_url, client_id, key)
    if make_clinic:
        _make_clinic(url, service, api.ask("GET", f"services/{service}/draft").value["name"])
    old = api.find(f"pas-links/{service}")
    wanted = {"service": service, "url": url.rstrip("/"), "client_id": pas}
    link = api.ask("PUT", f"pas-links/{service}", wanted, etag="" if old is None else old.etag).value
    polled = api.ask("POST", f"services/{service}/poll").value["changed"]
    say(f"service {service} is linked to {url}: {polled} slots", {**link, "slots": polled}, as_json=as_json)


@app.command()
def poll(
    service: Number,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Poll the PAS of the service now."""
    told = Api(base_url, client_id, key).ask("POST", f"services/{service}/poll").value
    say(f"{told['changed']} slots changed", told, as_json=as_json)


@app.command()
def visibility(
    service: Number,
    organisation: Annotated[str, typer.Option(help="ODS code of the referrer's organisation.")],
    more: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=VALUE", help="More of the search: priority=URGENT."),
    ] = None,
    base_url: BaseUrl = HERE,
    client_id: ClientId = DEMO_CLIENT,
    key: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Tell why a search does not find the service, and which slots are hidden."""
    query = {"organisation": organisation, **dict(_pairs(more))}
    told = Api(base_url, client_id, key).ask("GET", f"services/{service}/visibility", query=query).value
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
            raise typer.BadParameter(f"{each!r} is not written as name=value")
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
        found: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} is not a draft as JSON: {error}") from error
    return found


def _make_clinic(url: str, service: str, name: str) -> None:
    """Let the Test PAS at an address make a clinic, unless the service has one. Raises `typer.Exit`."""
    parts = urlsplit(url)
    address, body = f"{parts.scheme}://{parts.netloc}/_control/clinics", json.dumps({"service": service, "name": name})
    try:
        answer = send("POST", address, body, {"Content-Type": "application/json"})
    except ServiceUnreachable as error:
        typer.echo(f"openers: {error}; --make-clinic is for the Test PAS", err=True)
        raise typer.Exit(1) from None
    if answer.status >= 400:
        raise refused(answer)
