"""`openers admin import` and `export`: files of all kinds and formats, refused rows, repetition and sudden ends."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.run.command import environment, openers
from tests.kit.run.forked import Forked, start
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.administration import KEYS
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
    practice = {**place, "c12": "A", "c25": "4"}
    (tmp_path / "epraccur.csv").write_text(
        _ods(c0="ZV001", c1="THE SURGERY", **practice)
        + _ods(c0="ZV002", c1="CLOSED SURGERY", **{**practice, "c11": "20300331", "c12": "C"})
        + _ods(c0="ZV003", c1="WALK-IN CENTRE", **{**practice, "c25": "1"})
        + _ods(c0="ZV004", c1="NEW SURGERY", **{**practice, "c12": "P"})
        + _ods(c0="ZV005", c1="SURGERY", **{**practice, "c9": ""})
    )
    (tmp_path / "etr.csv").write_text(_ods(c0="ZV1", c1="ZV HOSPITALS", **place))
    (tmp_path / "ets.csv").write_text(_ods(c0="ZV101", c1="ZV GENERAL", c14="ZV1", **place) + "ZV102,SHORT\n")
    out, err = told(service, "import", *(tmp_path / f"{name}.csv" for name in ("ets", "etr", "epraccur")), status=1)
    assert _counts(out) == {"epraccur.csv": (2, 0, 0, 1), "etr.csv": (1, 0, 0, 0), "ets.csv": (1, 0, 0, 1)}
    assert "epraccur.csv:5:" in err
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


def _started(service: Live, file: Path, url: str, above: int) -> Forked | subprocess.Popen[bytes]:
    """Start an import; return it when more than `above` records are stored."""
    where = environment({"OPENERS_BASE_URL": service.base_url})
    running = start(("admin", "import", str(file)), where, file.with_suffix(".out"))
    until(lambda: running.poll() is not None or len(_stored(url)) > above, "no part is stored")
    return running


def test_an_import_that_was_killed_goes_on(demo_url: str, keys: Path, tmp_path: Path) -> None:
    """The command dies, then the service: stored records are whole, a new run puts the rest, another one nothing."""
    file = tmp_path / "organisations.ndjson"
    row = '{"ods": "YQ%05d", "name": "Surgery %d", "kind": "GP_PRACTICE", "postcode": "LS1 4AP", "telephone": "%d"}\n'
    file.write_text("".join(row % (number, number, number) for number in range(MANY)))
    settings = settings_env(demo_url, keys)
    with live(settings) as run:
        doomed = _started(run, file, demo_url, above=0)
        os.killpg(doomed.pid, signal.SIGKILL)
        doomed.wait(HANGS_AFTER_S)
    stored = _whole(demo_url)
    assert 0 < stored < MANY
    with live(settings) as run:
        doomed = _started(run, file, demo_url, above=stored)
        run.kill()
        assert doomed.wait(HANGS_AFTER_S) == 1
    later = _whole(demo_url)
    assert stored < later < MANY
    with live(settings) as run:
        assert _counts(told(run, "import", file)[0])["organisations.ndjson"] == (MANY - later, 0, later, 0)
        assert _whole(demo_url) == MANY
        assert _counts(told(run, "import", file)[0])["organisations.ndjson"] == (0, 0, MANY, 0)
