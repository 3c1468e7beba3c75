"""`openers admin import` and `export`: files of all kinds and formats, refused rows, repetition and sudden ends."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.kit.run.command import environment, openers
from tests.kit.run.forked import start
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.administration import KEYS, records
from tests.kit.service.administration import service as clinic_of
from tests.kit.service.live import Live, live, settings_env
from tests.kit.service.running import copied
from tests.kit.store.outside import fetch

ORGANISATIONS = """\ufeffname,ods,kind,postcode,address
"Zeal, ""Royal"" Hospitals",ZW1,PROVIDER,LS1 4AP,"1 Moor Lane, Leeds"
Zest Surgery,ZW2,GP_PRACTICE,LS1 4AP,
"""
SITES = "ods,organisation,name,postcode\nZW101,ZW1,North wing,LS1 4AP\n"
PEOPLE = [
    {
        "id": "555900000030",
        "name": "Dr Zoë",
        "roles": [{"organisation": "ZW1", "functions": ["SERVICE_PROVIDER_CLINICIAN"]}],
        "workgroups": ["ZW1/Cardiology"],
    }
]
SERVICES = (
    "id,name,organisation,site,location_name,postcode,workgroup,clinic_types,flows,bookable,clinicians,instructions\n"
    "999000030,Heart failure,ZW1,ZW101,North,LS1 4AP,ZW1/Cardiology,CARDIOLOGY/HEART_FAILURE,"
    'APPOINTMENT_REQUEST,INDIRECTLY_BOOKABLE,555900000030,"Come early.\nBring your letter."\n'
)
APPLICATIONS = [{"client_id": "zeal-app", "name": "Zeal", "mode": "application-restricted", "keys": KEYS}]


@pytest.fixture(scope="module")
def service(sqlite_template: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """Run a service on the demo world."""
    with live(settings_env(copied(sqlite_template, tmp_path_factory.mktemp("import")), keys)) as run:
        yield run


def told(service: Live, *words: str | Path, status: int = 0) -> tuple[str, str]:
    """Run a command for the service; return its standard output and standard error."""
    done = openers("admin", *map(str, words), "--base-url", service.base_url)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout, done.stderr


def world_in(folder: Path) -> list[Path]:
    """Write files of five kinds in two formats; return them in an order in which they could not be imported."""
    texts = {"organisations.csv": ORGANISATIONS, "sites.csv": SITES, "services.csv": SERVICES}
    texts |= {"people.ndjson": _lines(PEOPLE), "application.jsonl": _lines(APPLICATIONS)}
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [
        folder / name
        for name in ("services.csv", "application.jsonl", "people.ndjson", "sites.csv", "organisations.csv")
    ]


def _lines(records: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(each)}\n\n" for each in records)


def clinic(number: str) -> dict[str, Any]:
    """Return a service of the demo world's hospital."""
    return clinic_of("RCD", "RCD01", number)


def _counts(out: str) -> dict[str, tuple[int, ...]]:
    """Return created, replaced, unchanged and refused for each file."""
    found: dict[str, tuple[int, ...]] = {}
    for line in out.splitlines():
        file, _, text = line.rpartition(": ")
        found[Path(file).name] = tuple(int(each.split()[0]) for each in text.split(", ")[:4])
    return found


def test_files_are_imported_in_any_order_and_again_without_a_change(service: Live, tmp_path: Path) -> None:
    """A dry run knows that records of the same run are still to come; a second run changes nothing."""
    files = world_in(tmp_path)
    rehearsed, _ = told(service, "import", *files, "--dry-run")
    assert [line.rpartition(", ")[2] for line in rehearsed.splitlines() if "need" in line] == [
        "1 need other records of this run"
    ] * 3
    out, err = told(service, "import", *files)
    assert err == ""
    assert _counts(out) == {
        "organisations.csv": (2, 0, 0, 0),
        "sites.csv": (1, 0, 0, 0),
        "people.ndjson": (1, 0, 0, 0),
        "application.jsonl": (1, 0, 0, 0),
        "services.csv": (1, 0, 0, 0),
    }
    shown = json.loads(told(service, "organisation", "show", "ZW2", "--json")[0])["value"]
    assert (shown["name"], shown["address"]) == ("Zest Surgery", "")
    again = json.loads(told(service, "import", *files, "--json")[0])
    assert [(each["created"], each["replaced"]) for each in again["files"]] == [(0, 0)] * 5
    (tmp_path / "organisations.csv").write_text(ORGANISATIONS.replace("Zest", "Zesty"), "utf-8")
    assert _counts(told(service, "import", *files)[0])["organisations.csv"] == (0, 1, 1, 0)


def test_rows_may_name_others_of_their_kind_in_any_order(service: Live, tmp_path: Path) -> None:
    """A practice comes before its commissioner, which is in another file and has one of its own. So do services."""
    practices, others = tmp_path / "organisations.csv", tmp_path / "organisations.ndjson"
    practices.write_text(
        "ods,name,kind,postcode,commissioner\n"
        "YP001,Surgery,GP_PRACTICE,LS1 4AP,YP1\nYP002,Two,GP_PRACTICE,LS1 4AP,YP9\n"
        "YP1,Board,COMMISSIONER,LS1 4AP,YP2\nYP003,Three,GP_PRACTICE,LS1 4AP,YP2\nYP003,Again,GP_PRACTICE,LS1 4AP,\n"
    )
    others.write_text(_lines([{"ods": "YP2", "name": "Region", "kind": "COMMISSIONER", "postcode": "LS1 4AP"}]))
    rehearsed = json.loads(told(service, "import", practices, others, "--dry-run", "--json", status=1)[0])
    assert [(each["created"], each["waiting"], each["refused"]) for each in rehearsed["files"]] == [
        (0, 3, 2),
        (1, 0, 0),
    ]
    out, err = told(service, "import", practices, others, status=1)
    assert _counts(out) == {"organisations.csv": (3, 0, 0, 2), "organisations.ndjson": (1, 0, 0, 0)}
    assert "organisations.csv:3: there is no organisation YP9 (/commissioner)" in err
    assert "organisations.csv:6: YP003 comes a second time" in err
    pathway = {"reason": "Pilot", "services": ["999000042"]}
    clinics = [{**clinic("999000041"), "restriction": pathway}, clinic("999000042")]
    (tmp_path / "services.ndjson").write_text(_lines(clinics))
    assert _counts(told(service, "import", tmp_path / "services.ndjson")[0]) == {"services.ndjson": (2, 0, 0, 0)}


def test_records_of_one_certificate_are_sent_until_each_is_checked(service: Live, tmp_path: Path) -> None:
    """The service puts 20 of them at once; the reasons in the report are those of the records."""
    endpoint = {**records()["endpoints"], "certificates": [{"fingerprint": "8" * 64, "issuer": "CN=One"}]}
    made = [{**endpoint, "asid": f"2000000004{number}"} for number in range(10, 55)]
    (tmp_path / "endpoints.ndjson").write_text(_lines(made))
    out, err = told(service, "import", tmp_path / "endpoints.ndjson", status=1)
    assert _counts(out) == {"endpoints.ndjson": (1, 0, 0, 44)}
    assert err.count("200000000410") == 44


def test_records_with_many_references_are_sent_in_smaller_parts(service: Live, tmp_path: Path) -> None:
    """The service looks up at most 5000 references in one act."""
    listed = [f"YO{number:03}" for number in range(800)]
    made = [{"ods": ods, "name": "Surgery", "kind": "GP_PRACTICE", "postcode": "LS1 4AP"} for ods in listed]
    rules = {"nationally_available": False, "organisations": listed}
    (tmp_path / "organisations.ndjson").write_text(_lines(made))
    clinics = [{**clinic(f"99900005{number}"), "commissioning": rules} for number in range(8)]
    (tmp_path / "services.ndjson").write_text(_lines(clinics))
    counts = _counts(told(service, "import", *tmp_path.iterdir())[0])
    assert counts == {"organisations.ndjson": (800, 0, 0, 0), "services.ndjson": (8, 0, 0, 0)}


def test_each_refused_row_is_told_with_its_line_and_cure(service: Live, tmp_path: Path) -> None:
    """The line is that of the file, also after a cell of several lines; other rows are put, and the status is 1."""
    table = ORGANISATIONS + (
        'Two lines,ZX0,PROVIDER,LS1 4AP,"1 Moor Lane\nLeeds"\n'
        "Short,ZX1,PROVIDER\n"
        "Wrong kind,ZX2,SHOP,LS1 4AP,\n"
        "Twice,ZX3,PROVIDER,LS1 4AP,\n"
        "Twice,ZX3,PROVIDER,LS1 4AP,\n"
        "Bytes \udcff,ZX4,PROVIDER,LS1 4AP,\n"
    )
    file, report = tmp_path / "organisations.csv", tmp_path / "refused.csv"
    file.write_bytes(table.encode("utf-8", "surrogateescape"))
    out, err = told(service, "import", file, "--report", report, status=1)
    assert _counts(out)["organisations.csv"][3] == 5
    assert sorted(line.split(":")[1] for line in err.splitlines()) == ["10", "4", "6", "7", "9"]
    assert "the row has 3 cells" in err
    assert "(/kind): compare it with Organisation" in err
    assert "ZX3 comes a second time: leave one of the two rows out" in err
    assert "the text is not UTF-8: save the file as UTF-8" in err
    rows = list(csv.DictReader(report.open(newline="")))
    assert sorted(int(row["line"]) for row in rows) == [4, 6, 7, 9, 10]
    assert all(row["file"] == str(file) and row["cause"] and row["cure"] for row in rows)
    lines = tmp_path / "sites.ndjson"
    lines.write_text('{"ods": "ZX5"\n[]\n{"ods": "ZX6", "organisation": "ZX7", "name": "A", "postcode": "LS1 4AP"}\n')
    found = json.loads(told(service, "import", lines, "--json", status=1)[0])
    assert sorted(each["line"] for each in found["refused"]) == [1, 2, 3]


WRONG_FILES = [
    ("organisations.csv", "ods,nam\n", "line 1: there is no column nam; use ods, name"),
    ("organisations.csv", "name\n", "line 1: the column ods is missing"),
    ("organisations.csv", 'ods,name\nZX9,"A\n', "line 2: the row cannot be read"),
    ("organisations.txt", "", "the name of a file ends with .csv or .ndjson"),
    ("things.csv", "", "use --kind with one of organisation, site"),
    ("webhooks.csv", "", "use --kind with one of organisation, site"),
    ("sites.ndjson", "x" * 1_000_001, "line 1: the line has more than 1000000 bytes"),
]


@pytest.mark.parametrize(("name", "text", "cause"), WRONG_FILES)
def test_a_file_that_cannot_be_read_is_refused(service: Live, tmp_path: Path, name: str, text: str, cause: str) -> None:
    (tmp_path / name).write_text(text)
    out, err = told(service, "import", tmp_path / name, status=1)
    assert (out, err.count("\n")) == ("", 1)
    assert cause in err


def _ods(**cells: str) -> str:
    """Return a row of an ODS table: `c0` is its first cell."""
    return ",".join(f'"{cells.get(f"c{number}", "")}"' for number in range(27)) + "\n"


def test_tables_of_the_organisation_data_service_are_imported(service: Live, tmp_path: Path) -> None:
    """Practices, trusts and their sites; other prescribers and proposed practices are left out."""
    place = {"c4": "1 HIGH STREET", "c7": "LEEDS", "c9": "LS1 4AP", "c17": "0113 4960000"}
    practice = {**place, "c12": "A", "c14": "ZVC", "c25": "4"}
    (tmp_path / "eccg.csv").write_text(_ods(c0="ZVC", c1="ZV COMMISSIONER", c14="ZVREGION", **place))
    (tmp_path / "epraccur.csv").write_text(
        _ods(c0="ZV001", c1="THE SURGERY", **practice)
        + _ods(c0="ZV002", c1="CLOSED SURGERY", **{**practice, "c11": "20300331", "c12": "C"})
        + _ods(c0="ZV006", c1="SURGERY THAT LEFT", **{**practice, "c16": "20250331"})
        + _ods(c0="ZV003", c1="WALK-IN CENTRE", **{**practice, "c25": "1"})
        + _ods(c0="ZV004", c1="NEW SURGERY", **{**practice, "c12": "P"})
        + _ods(c0="ZV005", c1="SURGERY", **{**practice, "c9": ""})
    )
    (tmp_path / "etr.csv").write_text(_ods(c0="ZV1", c1="ZV HOSPITALS", **place))
    (tmp_path / "ets.csv").write_text(_ods(c0="ZV101", c1="ZV GENERAL", c14="ZV1", **place) + "ZV102,SHORT\n")
    names = ("ets", "etr", "eccg", "epraccur")
    out, err = told(service, "import", *(tmp_path / f"{name}.csv" for name in names), status=1)
    counts = _counts(out)
    assert (counts.pop("etr.csv"), counts.pop("eccg.csv")) == ((1, 0, 0, 0), (1, 0, 0, 0))
    assert counts == {"epraccur.csv": (3, 0, 0, 1), "ets.csv": (1, 0, 0, 1)}
    assert "epraccur.csv:6:" in err
    assert "the row has 2 columns" in err
    closed = json.loads(told(service, "organisation", "show", "ZV002", "--json")[0])["value"]
    assert closed == {
        "ods": "ZV002",
        "name": "CLOSED SURGERY",
        "kind": "GP_PRACTICE",
        "postcode": "LS1 4AP",
        "address": "1 HIGH STREET, LEEDS",
        "telephone": "0113 4960000",
        "closed_on": "2030-03-31",
        "commissioner": None,
    }
    commissioners = {
        ods: json.loads(told(service, "organisation", "show", ods, "--json")[0])["value"]["commissioner"]
        for ods in ("ZV001", "ZV006", "ZVC", "ZV1")
    }
    assert commissioners == {"ZV001": "ZVC", "ZV006": None, "ZVC": None, "ZV1": None}
    assert json.loads(told(service, "site", "show", "ZV101", "--json")[0])["value"]["organisation"] == "ZV1"


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_export_is_imported_without_a_change(service: Live, tmp_path: Path, form: str) -> None:
    """Each record of the world comes back as it was, in both formats. A code set may build on the one before it."""
    new = {"starts": "2031-06-23", "specialties": [{"code": "HEART", "display": "Heart medicine"}]}
    more = {"code": "HEART_RHYTHM", "display": "Heart rhythm", "specialties": ["HEART"]}
    mapping = [{"old": ["CARDIOLOGY", "ARRHYTHMIA"], "new": [["HEART", "HEART_RHYTHM"]]}]
    ended = {"ended_clinic_types": ["ARRHYTHMIA"], "mapping": mapping}
    later = {"starts": "2032-06-23", "clinic_types": [more], **ended}
    sets = tmp_path / "code-set.ndjson"
    sets.write_text("".join(f"{json.dumps(each)}\n" for each in (new, later)))
    made = sum(_counts(told(service, "import", sets)[0])[sets.name])
    assert made == 2
    sets.unlink()
    out, _ = told(service, "export", tmp_path, "--format", form)
    files = [Path(line.rpartition(": ")[0]) for line in out.splitlines()]
    assert len(files) == 10
    exported = {Path(line.rpartition(": ")[0]).name: int(line.split(": ")[1].split()[0]) for line in out.splitlines()}
    assert [name for name, number in exported.items() if not number] == [f"commissioning-rules.{form}"]
    counts = _counts(told(service, "import", *files)[0])
    assert counts == {name: (0, 0, number, 0) for name, number in exported.items()}


def test_an_export_of_one_kind_is_one_file(service: Live, tmp_path: Path) -> None:
    told(service, "export", tmp_path, "--kind", "site")
    assert [each.name for each in tmp_path.iterdir()] == ["sites.csv"]
    assert "there is no kind webhook to export" in told(service, "export", tmp_path, "--kind", "webhook", status=1)[1]


MANY = 4_000


def _stored(url: str) -> dict[str, str]:
    """Return the bodies of the organisations of the large file, by key."""
    rows = asyncio.run(fetch(url, "SELECT ods, body FROM organisations WHERE ods LIKE 'YQ%'"))
    return {ods: bytes(body).decode() for ods, body in rows}


def _whole(url: str) -> int:
    """Return the number of those organisations; each is stored as the file has it."""
    stored = _stored(url)
    for ods, body in stored.items():
        value = json.loads(body)
        assert (value["ods"], value["name"], value["telephone"]) == (ods, f"Surgery {int(ods[2:])}", str(int(ods[2:])))
    return len(stored)


REFUSED = 2_000
"""Rows whose refusals are longer than a pipe holds: the import waits for whoever reads them."""


class Importing:
    """An import whose standard error is a pipe: it stands still at refused rows that nobody reads."""

    def __init__(self, service: Live, file: Path) -> None:
        """Start the import."""
        pipe = file.with_suffix(".err")
        os.mkfifo(pipe)
        self.refusals = open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb")  # noqa: SIM115 - closed by `ended`
        os.set_blocking(self.refusals.fileno(), True)
        words = ("admin", "import", str(file), "--kind", "organisation", "--base-url", service.base_url)
        self.process = start(words, environment({}), file.with_suffix(".out"), pipe)

    def until_above(self, url: str, number: int) -> None:
        """Wait until more than this number of records is stored."""
        until(lambda: self.process.poll() is not None or len(_stored(url)) > number, "no part is stored")

    def ended(self) -> tuple[int, bytes]:
        """Read the refusals that are left; return the exit status and the last refusal."""
        with self.refusals as pipe:
            last = pipe.read().splitlines()[-1:]
        return self.process.wait(HANGS_AFTER_S), b"".join(last)


def _gated(rows: list[str], *gates: int) -> str:
    """Return rows with refused ones before the row of each number."""
    ends = (0, *gates, len(rows))
    parts = ["".join(rows[begin:end]) for begin, end in pairwise(ends)]
    return ("[]\n" * REFUSED).join(parts)


def test_an_import_that_was_killed_goes_on(demo_url: str, keys: Path, tmp_path: Path) -> None:
    """The command dies, then the service: stored records are whole, a new run puts the rest, another one nothing.

    Neither import can end before: the first stands still after 600 rows, the second after 3800.
    """
    row = '{"ods": "YQ%05d", "name": "Surgery %d", "kind": "GP_PRACTICE", "postcode": "LS1 4AP", "telephone": "%d"}\n'
    rows = [row % (number, number, number) for number in range(MANY)]
    first, second, whole = (tmp_path / f"{name}.ndjson" for name in ("first", "second", "organisations"))
    first.write_text(_gated(rows, 600))
    second.write_text(_gated(rows, 1_000, 3_800))
    whole.write_text("".join(rows))
    settings = settings_env(demo_url, keys)
    with live(settings) as run:
        doomed = Importing(run, first)
        doomed.until_above(demo_url, 0)
        os.killpg(doomed.process.pid, signal.SIGKILL)
        assert doomed.ended()[0] == -signal.SIGKILL
    stored = _whole(demo_url)
    assert 0 < stored <= 600
    with live(settings) as run:
        doomed = Importing(run, second)
        doomed.until_above(demo_url, stored)
        for _ in range(REFUSED):
            doomed.refusals.readline()
        run.kill()
        status, last = doomed.ended()
        assert (status, b"--base-url" in last) == (1, True), last
    later = _whole(demo_url)
    assert stored < later <= 3_800
    with live(settings) as run:
        assert _counts(told(run, "import", whole)[0])["organisations.ndjson"] == (MANY - later, 0, later, 0)
        assert _whole(demo_url) == MANY
        assert _counts(told(run, "import", whole)[0])["organisations.ndjson"] == (0, 0, MANY, 0)
