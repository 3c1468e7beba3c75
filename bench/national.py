"""`python -m bench.national`: import the records of a whole country, twice, and measure time, memory and blocks.

Practices and trusts come as ODS tables, people as CSV, services as NDJSON, all invented. `--share 0.01` measures one
hundredth of the size. `--database-url` names an empty PostgreSQL database; otherwise a new SQLite file is used. Exit
status 1 if a limit is exceeded, if a row is refused, or if the second run changes anything.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.heartbeat import longest
from bench.processes import Server, free_port, server, work_s
from bench.world import clinic_types

PRACTICES, PROVIDERS, SERVICES, PEOPLE = 8_600, 1_100, 61_000, 300_000
SITES_EACH: Final = 3
TEXT: Final = "Please send the results of the last three months with the referral. " * 8
LIMITS: Final = {"seconds": 300.0, "command_mib": 150.0, "service_mib": 450.0, "log_mib": 256.0, "blocked_ms": 100.0}
"""Most seconds of a run; memory of command and service; length of the write-ahead log; longest block of the loop."""
POSTCODES: Final = ("LS1 4AP", "LS6 2AA", "M1 1AE", "B1 1BB", "SW1A 1AA", "EX1 1AB", "NE1 4LP", "BS1 4DJ")


class Size(msgspec.Struct, frozen=True):
    """The numbers of records."""

    practices: int
    providers: int
    services: int
    people: int


def size_of(share: float) -> Size:
    """Return a share of the country, at least one record of each kind."""
    return Size(*(max(1, round(number * share)) for number in (PRACTICES, PROVIDERS, SERVICES, PEOPLE)))


def write_country(folder: Path, size: Size) -> list[Path]:
    """Write the files of a country into a folder, the same for the same size; return them."""
    dice = random.Random(1)  # noqa: S311 -- invented data
    files = [folder / name for name in ("epraccur.csv", "etr.csv", "ets.csv", "people.csv", "services.ndjson")]
    _write(files[0], (_ods_row(f"P{n:05}", f"Surgery {n}", dice, setting="4") for n in range(size.practices)))
    _write(files[1], (_ods_row(_provider(n), f"Hospitals {n}", dice) for n in range(size.providers)))
    sites = ((n, site) for n in range(size.providers) for site in range(SITES_EACH))
    _write(files[2], (_ods_row(_site(n, site), f"Site {site} of {n}", dice, _provider(n)) for n, site in sites))
    header = [["id", "name", "roles", "workgroups"]]
    _write(files[3], (row for part in (header, _people(size, dice)) for row in part))
    pairs = clinic_types()
    with files[4].open("w", encoding="utf-8") as out:
        for number in range(size.services):
            out.write(json.dumps(_service(number, size, pairs, dice)) + "\n")
    return files


def _write(file: Path, rows: Any) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)


def _provider(number: int) -> str:
    return f"R{number:04}"


def _site(provider: int, number: int) -> str:
    return f"R{provider:04}{number:02}"


def _ods_row(code: str, name: str, dice: random.Random, parent: str = "", setting: str = "") -> list[str]:
    row = [""] * 27
    row[0], row[1], row[4], row[7], row[9], row[10] = code, name, "1 High Street", "Anytown", dice.choice(POSTCODES), ""
    row[10], row[12], row[14], row[17], row[25] = "19740401", "A" if setting else "", parent, "0113 496 0000", setting
    return row


def _people(size: Size, dice: random.Random) -> Iterator[list[str]]:
    """Yield people: a third refers, the others work at a provider; the first of each provider reviews there."""
    for number in range(size.people):
        if number % 3 == 0 and number >= size.providers:
            roles, group = f"P{dice.randrange(size.practices):05}:REFERRING_CLINICIAN", ""
        else:
            ods = _provider(number % size.providers)
            roles, group = f"{ods}:SERVICE_PROVIDER_CLINICIAN+SERVICE_PROVIDER_ADMIN", f"{ods}/Group {number % 7}"
        yield [_person(number), f"Person {number}", roles, group]


def _person(number: int) -> str:
    return f"7{number:011}"


def _service(number: int, size: Size, pairs: list[tuple[str, str]], dice: random.Random) -> dict[str, Any]:
    """Return a service of about 2.5 kB."""
    provider = number % size.providers
    ods = _provider(provider)
    return {
        "id": str(5_000_000 + number),
        "name": f"Clinic {number} at {ods}",
        "organisation": ods,
        "site": _site(provider, dice.randrange(SITES_EACH)),
        "location_name": f"Building {dice.randrange(40)}",
        "postcode": dice.choice(POSTCODES),
        "workgroup": f"{ods}/Group {number % 7}",
        "clinic_types": [list(pairs[(number + step) % len(pairs)]) for step in range(2)],
        "flows": ["APPOINTMENT_REQUEST"],
        "bookable": dice.choice(("DIRECTLY_BOOKABLE", "INDIRECTLY_BOOKABLE")),
        "priorities": ["ROUTINE", "URGENT"],
        "ages": {"lowest": dice.choice((None, 16)), "highest": None},
        "clinicians": [_person(provider)],
        "commissioning": {
            "nationally_available": number % 10 != 0,
            "organisations": sorted({f"P{dice.randrange(size.practices):05}" for _ in range(3)}),
        },
        "referrer_alert": TEXT[:200],
        "exclusions": TEXT,
        "suggested_investigations": TEXT,
        "conditions_treated": TEXT,
        "instructions": TEXT[:300],
        "contacts": [{"for_patients": True, "system": "phone", "value": "0113 496 0001"}],
    }


class Watch:
    """The highest figures of a run: memory of the service, and length of the write-ahead log, in MiB."""

    def __init__(self, service: Server, log: Path) -> None:
        """Watch until `stop`."""
        self.service_mib = self.log_mib = 0.0
        self._service, self._log, self._ended = service, log, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.1):
            self.service_mib = max(self.service_mib, self._service.memory_mib())
            if self._log.exists():
                self.log_mib = max(self.log_mib, self._log.stat().st_size / 2**20)


def measure(folder: Path, size: Size, database_url: str | None = None) -> dict[str, Any]:
    """Return the figures of two runs, the second with the same files."""
    files = write_country(folder, size)
    port = free_port()
    url = database_url or f"sqlite:///{folder / 'bench.db'}"
    environ = {
        "OPENERS_DATABASE_URL": url,
        "OPENERS_MODE": "production",
        "OPENERS_BASE_URL": f"http://127.0.0.1:{port}",
        "OPENERS_CLAMD_URL": "tcp://127.0.0.1:9",
        "OPENERS_BLOB_URL": f"file:{folder / 'blobs'}",
        **{f"OPENERS_{name}_KEY_FILE": str(folder / name) for name in ("AUDIT", "FILES", "ACCESS_CODE", "SIGNING")},
    }
    _command(environ, "db", "migrate")
    _command(environ, "admin", "key", "new", str(folder / "ops.jwk"))
    _command(environ, "admin", "bootstrap", "--client-id", "ops", "--public-key", str(folder / "ops.jwk.public"))
    beats = folder / "beats.json"
    arguments = ["-m", "bench.heartbeat", str(beats), "serve", "--port", "PORT"]
    figures: dict[str, Any] = {"size": msgspec.to_builtins(size), "runs": []}
    with server(arguments, environ, "/referrals/_ping", folder, port) as service:
        importing = {**environ, "OPENERS_ADMIN_CLIENT_ID": "ops", "OPENERS_ADMIN_KEY": str(folder / "ops.jwk")}
        for _ in range(2):
            began, worked = time.monotonic(), work_s(service.pid)
            watch = Watch(service, folder / "bench.db-wal")
            run = _import(importing, files)
            watch.stop()
            block = longest(beats, began)
            run |= {"service_cpu_s": work_s(service.pid) - worked}
            run |= {"service_mib": watch.service_mib, "log_mib": watch.log_mib}
            run |= {"blocked_ms": block.work_s * 1000, "late_ms": block.clock_s * 1000}
            figures["runs"].append(run)
    return figures


def _command(environ: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "openers.cli.main", *words]
    subprocess.run(command, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own command line


def _import(environ: dict[str, str], files: list[Path]) -> dict[str, Any]:
    """Run the command; return its time and memory, and its counts."""
    began = time.monotonic()
    command = [sys.executable, "-m", "openers.cli.main", "admin", "import", "--json", *map(str, files)]
    done = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE)  # noqa: S603 -- our own command line
    told = b"" if done.stdout is None else done.stdout.read()
    _, status, used = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    if done.returncode:
        raise RuntimeError(f"the import ended with {done.returncode}: {told[:500]!r}")
    figures = {"seconds": time.monotonic() - began, "command_mib": used.ru_maxrss / 1024}
    return {**figures, "command_cpu_s": used.ru_utime + used.ru_stime, "files": json.loads(told)["files"]}


def report(figures: dict[str, Any]) -> bool:
    """Print the figures; return whether all limits hold and the second run changed nothing."""
    good = True
    for number, run in enumerate(figures["runs"], start=1):
        counts = {name: sum(file[name] for file in run["files"]) for name in ("created", "replaced", "unchanged")}
        print(f"run {number}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        good &= number == 1 or not counts["created"] + counts["replaced"]
        for name, most in LIMITS.items():
            held = run[name] <= most
            good &= held
            print(f"  {name:16}{run[name]:10.1f}   at most {most:g}{'' if held else '  MISSED'}")
        for name in ("late_ms", "command_cpu_s", "service_cpu_s"):
            print(f"  {name:16}{run[name]:10.1f}")
    return good


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="bench.national", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the country")
    parser.add_argument("--database-url", help="an empty PostgreSQL database")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name), size_of(options.share), options.database_url)
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    sys.exit(0 if report(figures) else 1)


if __name__ == "__main__":
    main()
