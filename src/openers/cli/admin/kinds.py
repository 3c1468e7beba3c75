"""`openers admin KIND list|show|put|end`: the records of a running service, one group of commands for each kind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from openers.cli.admin.calls import Administration, Changed, DryRun, Found, calling
from openers.cli.output import Json, say
from openers.domain.administration.rights import Resource

KINDS: Final = {
    "organisation": Resource.ORGANISATIONS,
    "site": Resource.SITES,
    "person": Resource.PEOPLE,
    "application": Resource.APPLICATIONS,
    "code-set": Resource.CODE_SETS,
    "live-service": Resource.SERVICES,
    "commissioning-rule": Resource.COMMISSIONING_RULES,
    "pas-link": Resource.PAS_LINKS,
    "endpoint": Resource.ENDPOINTS,
    "patient": Resource.PATIENTS,
    "webhook": Resource.WEBHOOKS,
}
"""The name of each kind of record in commands."""
ENDLESS: Final = frozenset({Resource.PATIENTS})
"""Kinds of which nothing ends."""
PUBLIC_KEYS: Final = "keys"
"""The field that takes a file with public keys, in each of their formats."""

Key = Annotated[str, typer.Argument(help="The key of the record.")]
Organisation = Annotated[str | None, typer.Option("--organisation", help="ODS code: only records of it.")]
Fields = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FIELD=VALUE]...",
        help="Fields to set; the others keep their values. A list has semicolons between its values, a role is written"
        " ODS:FUNCTION+FUNCTION, and =@FILE reads the value from a file.",
    ),
]
File = Annotated[Path | None, typer.Option("--file", help="A file with the whole record as JSON; - is standard input.")]


def add_kinds(app: typer.Typer) -> None:
    """Add a group of commands for each kind of record."""
    for name, resource in KINDS.items():
        app.add_typer(_group(name, resource), name=name)


def _group(name: str, resource: Resource) -> typer.Typer:
    group = typer.Typer(no_args_is_help=True, help=f"List, show, put and end {resource}.")
    _add_reading(group, resource)
    if resource is Resource.WEBHOOKS:
        _add_registering(group)
    else:
        _add_putting(group, resource)
    if resource is Resource.ORGANISATIONS:
        _add_refreshing(group)
    if resource not in ENDLESS:
        _add_ending(group, name, resource)
    return group


def _add_reading(group: typer.Typer, resource: Resource) -> None:
    @group.command("list", help=f"List {resource}: key, version and first fields, one in each line.")
    @calling
    def list_records(calls: Administration, organisation: Organisation = None, as_json: Json = False) -> None:
        found = calls.all(resource, organisation)
        if as_json:
            say("", [each._asdict() for each in found], as_json=True)
        else:
            for each in found:
                typer.echo("\t".join((each.key, f"version {each.version}", *_summary(each))))

    @group.command("show", help="Show one record, with its version.")
    @calling
    def show_record(calls: Administration, key: Key, as_json: Json = False) -> None:
        found = calls.find(resource, key)
        if found is None:
            raise ValueError(f"there is no record {key} among the {resource}")
        say("\n".join([f"version={found.version}", *_lines(resource, found.value)]), found._asdict(), as_json=as_json)


def _add_putting(group: typer.Typer, resource: Resource) -> None:
    @group.command("put", help=f"Create or change one of the {resource}. Another caller's change is never overwritten.")
    @calling
    def put_record(
        calls: Administration,
        key: Key,
        fields: Fields = None,
        file: File = None,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        given = _given(resource, key, fields or (), file)
        known = calls.find(resource, key)
        kept = known.value if known is not None and file is None else {}
        changed = calls.put(resource, {**kept, **given}, known, dry_run=dry_run)
        _tell(key, changed, as_json=as_json)


def _add_registering(group: typer.Typer) -> None:
    @group.command("put", help="Register a webhook; only this reply shows its secret.")
    @calling
    def register(
        calls: Administration,
        url: Annotated[str, typer.Argument(help="The address to which events are sent.")],
        as_json: Json = False,
    ) -> None:
        made = calls.register(Resource.WEBHOOKS, {"url": url})
        say("\n".join(f"{name}={value}" for name, value in made.items()), made, as_json=as_json)


def _add_refreshing(group: typer.Typer) -> None:
    @group.command("refresh", help="Register an organisation from ODS, or bring its record up to date.")
    @calling
    def refresh_record(calls: Administration, key: Key, dry_run: DryRun = False, as_json: Json = False) -> None:
        changed = calls.refresh(Resource.ORGANISATIONS, key, dry_run=dry_run)
        _tell(key, changed, as_json=as_json)


def _add_ending(group: typer.Typer, name: str, resource: Resource) -> None:
    @group.command("end", help=f"End a {name}. Nothing that a referral refers to is deleted.")
    @calling
    def end_record(
        calls: Administration,
        key: Key,
        on: Annotated[str | None, typer.Option(help="The day on which it ends, if it has one, as 2031-03-31.")] = None,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        _tell(key, calls.end(resource, key, on, dry_run=dry_run), as_json=as_json)


def _given(resource: Resource, key: str, fields: Iterable[str], file: Path | None) -> dict[str, Any]:
    """Return the fields that a command gives. Raises ValueError, OSError."""
    from openers.wire.admin.cells import fields_of, record_of

    record: dict[str, Any] = {fields_of(resource)[0]: key}
    if file is not None:
        try:
            whole = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file} is not JSON: {error}") from None
        if not isinstance(whole, dict):
            raise ValueError(f"{file} does not hold a JSON object")
        record |= cast("dict[str, Any]", whole)
    cells: dict[str, str] = {}
    for each in fields:
        name, sign, text = each.partition("=")
        if not sign:
            raise ValueError(f"{each} is not written as FIELD=VALUE")
        if name == PUBLIC_KEYS and text.startswith("@"):
            record[name] = _public_keys(Path(text[1:]))
        else:
            cells[name] = Path(text[1:]).read_text("utf-8").strip() if text.startswith("@") else text
    emptied = {name: None for name, text in cells.items() if not text}
    return record | {**emptied, **record_of(resource, cells)}


def _public_keys(file: Path) -> Mapping[str, Any]:
    """Return the public keys in a file. Raises ValueError, OSError."""
    from openers.identity.registered_keys import BadKey, public_keys

    try:
        return public_keys(file.read_bytes())
    except BadKey as error:
        raise ValueError(f"{file} cannot be registered: {error}") from error


def _lines(resource: Resource, value: Mapping[str, Any]) -> list[str]:
    """Return the fields of a record as `put` takes them; empty ones are left out."""
    from openers.wire.admin.cells import cells_of

    return [f"{name}={text}" for name, text in cells_of(resource, value).items() if text]


def _summary(found: Found) -> list[str]:
    """Return the first texts of a record after its key."""
    texts = [text for text in list(found.value.values())[1:] if isinstance(text, str) and text]
    return texts[:3]


def _tell(key: str, changed: Changed, *, as_json: bool) -> None:
    say(f"{key}: {changed.result}", {"key": key, "result": changed.result, "value": changed.value}, as_json=as_json)
