"""`openers admin import`: send the records of files to a running service, in parts, and report every refused row.

Each part is one act of the service, and an equal record changes nothing. So a run that was stopped at any point leaves
whole records, and the same command goes on where it stopped.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, cast

import msgspec
import typer

from openers.cli.admin.calls import Administration, DryRun, calling
from openers.cli.admin.steps import MOST_STEPS, Later, readings
from openers.cli.admin.tables import ORDER, Row, Source, Tell, rows_of, source_of
from openers.cli.output import Json, say
from openers.domain.administration.rights import Resource

MOST_RECORDS: Final = 200
MOST_BYTES: Final = 300_000
MOST_NAMES: Final = 5_000
"""Limits of one part, so that the service does not wait for it longer than for other calls."""
NOT_YET: Final = "NOT_YET"
"""The code of a record that comes after too many others of its part."""

Files = Annotated[list[Path], typer.Argument(help="CSV, NDJSON or ODS files; the order does not matter.")]
KindOf = Annotated[str | None, typer.Option("--kind", help="The kind of the records, if file names do not tell it.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write the refused rows to this CSV file too.")]


class Refusal(msgspec.Struct, frozen=True):
    """A refused row."""

    file: str
    line: int
    cause: str
    cure: str

    def __str__(self) -> str:
        """Return the refusal as one line."""
        return f"{self.file}:{self.line}: {self.cause}: {self.cure}"


class Tally(msgspec.Struct):
    """What has become of a file's rows. `waiting` are those of a dry run that need other records of the same run."""

    file: str
    kind: Resource
    created: int = 0
    replaced: int = 0
    unchanged: int = 0
    waiting: int = 0
    refused: int = 0

    def __str__(self) -> str:
        """Return the counts as one line."""
        later = f", {self.waiting} need other records of this run" if self.waiting else ""
        counts = f"{self.created} created, {self.replaced} replaced, {self.unchanged} unchanged, {self.refused} refused"
        return f"{self.file}: {counts}{later}"


def add_import(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("import")
    @calling
    def import_records(
        calls: Administration,
        files: Files,
        kind: KindOf = None,
        report: Report = None,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        """Create and replace the records of files. Exit status 1 if a row is refused; the others are put."""
        sources = sorted((source_of(each, kind) for each in files), key=lambda each: ORDER.index(each.resource))
        if _import(Run(calls, sources, report, dry_run=dry_run, as_json=as_json)):
            raise typer.Exit(1)


class Run(NamedTuple):
    """One call of the command."""

    calls: Administration
    sources: Sequence[Source]
    report: Path | None
    dry_run: bool
    as_json: bool


def _import(run: Run) -> int:
    """Import the files, and return the number of refused rows. Raises ValueError, OSError, ServiceUnreachable."""
    refusals: list[Refusal] = []
    with ExitStack() as stack:
        report = None if run.report is None else csv.writer(stack.enter_context(run.report.open("w", newline="")))
        if report is not None:
            report.writerow(Refusal.__struct_fields__)

        def _refuse(refusal: Refusal) -> None:
            typer.echo(str(refusal), err=True)
            if report is not None:
                report.writerow(msgspec.structs.astuple(refusal))
            if run.as_json:
                refusals.append(refusal)

        sending = Import(run.calls, _refuse, dry_run=run.dry_run)
        tallies: list[Tally] = []
        for _, sources in groupby(run.sources, key=lambda each: each.resource):
            done = sending.files(list(sources))
            tallies += done
            for each in () if run.as_json else done:
                typer.echo(str(each))
    if run.as_json:
        say("", {"files": tallies, "refused": refusals}, as_json=True)
    return sum(each.refused for each in tallies)


@contextmanager
def _watched(source: Source) -> Generator[Tell]:
    """Show a progress bar for a file at a terminal; lend what receives the bytes that were read."""
    size = source.path.stat().st_size
    hidden = not sys.stderr.isatty()
    with typer.progressbar(length=size, label=source.path.name, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update


class Import:
    """One run of an import: it knows the keys that it has met, so that a row that comes twice is refused."""

    def __init__(self, calls: Administration, refuse: Callable[[Refusal], None], *, dry_run: bool) -> None:
        """`refuse` receives each refused row, in order."""
        self._calls, self._refuse, self._dry_run = calls, refuse, dry_run
        self._met: dict[Resource, set[str]] = {each: set() for each in ORDER}

    def files(self, sources: Sequence[Source]) -> list[Tally]:
        """Import the files of one kind. Raises ValueError, OSError, ServiceUnreachable.

        Rows that name records of their own kind are read again, and sent after those: a commissioner before its
        practices.
        """
        tallies = [Tally(str(each.path), each.resource) for each in sources]
        later: dict[str, Later] = {}
        for source, tally in zip(sources, tallies, strict=True):
            with _watched(source) as tell:
                self._send_all(self._first(rows_of(source, tell), tally, later), tally)
        for steps in readings(later):
            self._read_again(list(zip(sources, tallies, strict=True)), steps)
        return tallies

    def _read_again(self, files: Sequence[tuple[Source, Tally]], steps: Mapping[str, int]) -> None:
        """Send the row of each key. Rows of several steps are held, so that each is sent after the step before it."""
        is_held, left = len(set(steps.values())) > 1, set(steps)
        held: list[tuple[int, int, Row]] = []
        for file, (source, tally) in enumerate(files):
            if not left:
                break
            with _watched(source) as tell:
                rows = _among(left, rows_of(source, tell), tally.kind)
                if is_held:
                    held += [(steps[_key_of(tally.kind, row)], file, row) for row in rows]
                else:
                    self._send_all(rows, tally)
        held.sort(key=lambda each: each[0])
        for (_, file), part in groupby(held, key=lambda each: (each[0] // MOST_STEPS, each[1])):
            self._send_all((row for _, _, row in part), files[file][1])

    def _first(self, rows: Iterable[Row], tally: Tally, later: dict[str, Later]) -> Iterator[Row]:
        """Yield the rows with a record that the run has not met; refuse the others. Note those that come `later`."""
        met = self._met[tally.kind]
        for row in rows:
            key = _key_of(tally.kind, row)
            if row.cause:
                self._note(tally, row, row.cause, row.cure)
            elif key and key in met:
                self._note(tally, row, f"{key} comes a second time", "leave one of the two rows out")
            else:
                met.add(key)
                names = _names_of_its_kind(tally.kind, row.record) - {key}
                if key and names:
                    later[key] = Later(names, _size(row.record))
                else:
                    yield row

    def _send_all(self, rows: Iterable[Row], tally: Tally) -> None:
        most = 1 if tally.kind is Resource.CODE_SETS else MOST_RECORDS  # a code set may build on the one before it
        for part in _parts(rows, most):
            self._send(part, tally)

    def _send(self, part: Sequence[Row], tally: Tally) -> None:
        """Put the records of some rows in one act; those that the service does not take yet, in acts after it."""
        while part:
            done = self._calls.put_many(tally.kind, [row.record for row in part], dry_run=self._dry_run)
            tally.created += done["created"]
            tally.replaced += done["replaced"]
            tally.unchanged += done["unchanged"]
            refusals = [(part[int(each["index"])], each) for each in done["refused"]]
            again = [row for row, refused in refusals if refused["code"] == NOT_YET]
            if len(again) == len(part):
                again = []  # nothing came before them, so that it would not end
            self._note_all([each for each in refusals if not again or each[1]["code"] != NOT_YET], tally)
            part = again

    def _note_all(self, refusals: Sequence[tuple[Row, Mapping[str, Any]]], tally: Tally) -> None:
        """Report what the service has refused."""
        for row, refused in refusals:
            missing = refused.get("missing")
            if self._dry_run and missing and missing["key"] in self._met.get(Resource(missing["resource"]), ()):
                tally.waiting += 1
                continue
            self._met[tally.kind].discard(_key_of(tally.kind, row))
            place = f" ({refused['place']})" if refused["place"] else ""
            self._note(tally, row, f"{refused['detail']}{place}", refused["cure"])

    def _note(self, tally: Tally, row: Row, cause: str, cure: str) -> None:
        tally.refused += 1
        self._refuse(Refusal(tally.file, row.line, cause, cure))


def _key_of(resource: Resource, row: Row) -> str:
    """Return the key of a row's record; empty if it has none."""
    from openers.wire.admin.cells import fields_of

    found: object = None if row.cause else row.record.get(fields_of(resource)[0])
    return found if isinstance(found, str) else ""


def _names_of_its_kind(resource: Resource, record: dict[str, Any]) -> frozenset[str]:
    """Return the keys of records of the same kind to which a record refers, as far as they can be read."""
    names: object = None
    if resource is Resource.ORGANISATIONS:
        names = [record.get("commissioner")]
    elif resource is Resource.SERVICES and isinstance(pathways := record.get("restriction"), dict):
        names = cast("dict[str, Any]", pathways).get("services")
    listed = cast("list[Any]", names) if isinstance(names, list) else []
    return frozenset(each for each in listed if isinstance(each, str) and each)


def _among(keys: set[str], rows: Iterable[Row], resource: Resource) -> Iterator[Row]:
    """Yield the row of each key, and take the key out of `keys`."""
    for row in rows:
        key = _key_of(resource, row)
        if key in keys:
            keys.remove(key)
            yield row


def _parts(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Yield the rows in parts of limited size."""
    part: list[Row] = []
    size = names = 0
    for row in rows:
        length, more = _size(row.record), _number_of_texts(row.record)
        if part and (len(part) == most or size + length > MOST_BYTES or names + more > MOST_NAMES):
            yield part
            part, size, names = [], 0, 0
        part.append(row)
        size += length
        names += more
    if part:
        yield part


def _size(record: Any) -> int:
    """Return the bytes of a record as it is sent."""
    return len(json.dumps(record, ensure_ascii=False).encode())


def _number_of_texts(value: Any) -> int:
    """Return how many texts a value has: it refers to no more records."""
    if isinstance(value, dict):
        return sum(_number_of_texts(each) for each in cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return sum(_number_of_texts(each) for each in cast("list[Any]", value))
    return int(isinstance(value, str))
