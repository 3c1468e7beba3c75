"""`openers admin export`: write the records of a running service to files that `openers admin import` reads."""

from __future__ import annotations

import csv
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from openers.cli.admin.calls import Administration, calling
from openers.cli.admin.kinds import KINDS
from openers.cli.admin.tables import ORDER
from openers.cli.output import Json, say
from openers.domain.administration.rights import Resource


class Format(StrEnum):
    """The format of the files."""

    CSV = "csv"
    NDJSON = "ndjson"


Folder = Annotated[Path, typer.Argument(help="The folder for the files: one for each kind of record.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only this kind of record; repeatable.")]
As = Annotated[Format, typer.Option("--format", help="The format of the files.")]


def add_export(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("export")
    @calling
    def export_records(
        calls: Administration,
        folder: Folder,
        kinds: Kinds = None,
        form: As = Format.CSV,
        as_json: Json = False,
    ) -> None:
        """Write all records, or those of some kinds. Webhooks are left out, since their secrets cannot be read."""
        wanted = [_resource(each) for each in kinds] if kinds else list(ORDER)
        folder.mkdir(parents=True, exist_ok=True)
        counts: dict[str, int] = {}
        for resource in wanted:
            file = folder / f"{resource}.{form}"
            counts[str(file)] = _export(calls, resource, file, form)
        say("\n".join(f"{file}: {count} records" for file, count in counts.items()), counts, as_json=as_json)


def _resource(kind: str) -> Resource:
    """Return the resource of a kind. Raises ValueError."""
    names = {name: of for name, of in KINDS.items() if of in ORDER}
    if kind not in names:
        raise ValueError(f"there is no kind {kind} to export: use one of {', '.join(names)}")
    return names[kind]


def _export(calls: Administration, resource: Resource, file: Path, form: Format) -> int:
    """Write the records of one kind, and return their number. The file appears when it is whole."""
    from openers.wire.admin.cells import cells_of, fields_of

    part, written = file.with_name(f"{file.name}.part"), 0
    with part.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, fields_of(resource))
        if form is Format.CSV:
            table.writeheader()
        for found in calls.all(resource):
            written += 1
            if form is Format.CSV:
                table.writerow(cells_of(resource, found.value))
            else:
                out.write(json.dumps(found.value, ensure_ascii=False) + "\n")
    part.replace(file)
    return written
