"""Compare a worklist of fifty rows (A008) in a store of ten thousand referrals with one of a million.

`python -m bench.worklists` fills both stores and prints both rates and their ratio. Exit status 1 if the list takes
more than 1.2 times as long in the large store. Filling that store takes some minutes and about 3 GB, and is not
measured. `python -m bench` compares the list in the small store with the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec
from tests.kit.referrals.worklists import REVIEW, asking
from tests.kit.service.running import CONSULTANT, FHIR, load_demo, settings_for
from tests.kit.store.crowd import Place, crowd, made, settle
from tests.kit.store.records import entry

from bench.load import Measured, Request, run
from bench.processes import Server, server
from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId
from openers.domain.lifecycle import ReferralState
from openers.domain.patient import Patient, Sex
from openers.domain.referral import Referral
from openers.domain.review import Review
from openers.key_files import read_or_make_key
from openers.settings import Settings
from openers.store.opening import open_store
from openers.worlds.packs import read_pack
from openers_client import Application, log_in

WORKLIST: Final = "A008 50 rows"
SMALL, LARGE = 10_000, 1_000_000
MOST: Final = 1.2
"""Maximum ratio of the list's time in the large store to that in the small one."""
LISTED: Final = 50
REVIEWED: Final = 20
"""For each listed referral, the number of reviewed, no longer listed ones of the same workgroup."""
FHIR_BASE: Final = "/referrals/FHIR"
HERE: Final = Place(OdsCode("D82106"), "RCD/Cardiology", ServiceId("11004"))


def main() -> None:
    """Fill both stores, measure and compare."""
    parser = argparse.ArgumentParser(prog="bench.worklists", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="length of each run")
    parser.add_argument("--large", type=int, default=LARGE, help="referrals in the large store")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rates = [measure(Path(name), size, options.seconds)[16] for size in (SMALL, options.large)]
    ratio = rates[0].rate / rates[1].rate
    for size, each in zip((SMALL, options.large), rates, strict=True):
        print(f"{WORKLIST} of {size:>9,}{each.rate:11.0f} req/s  p99 {each.p99_ms:5.1f} ms")
    print(f"the large store takes {ratio:.2f} times as long, at most {MOST:g}{'' if ratio <= MOST else '  MISSED'}")
    sys.exit(0 if ratio <= MOST else 1)


def measure(directory: Path, size: int, seconds: int, connections: tuple[int, ...] = (16,)) -> dict[int, Measured]:
    """Return the rates of the list in a store of `size` referrals."""
    own = directory / str(size)
    own.mkdir()
    settings = settings_for(f"sqlite:///{own / 'bench.db'}", own)
    load_demo(settings)
    asyncio.run(_fill(settings, size))
    _settle_log(own / "bench.db")
    environ = {
        "OPENERS_DATABASE_URL": settings.database_url,
        "OPENERS_AUDIT_KEY_FILE": str(settings.audit_key_file),
        "OPENERS_SIGNING_KEY_FILE": str(settings.signing_key_file),
    }
    with server(["-m", "openers.cli.main", "serve", "--port", "PORT"], environ, "/referrals/_ping", own) as service:
        request = _request(service)
        run(service.base_url, request, 16, 1, own)
        return {each: run(service.base_url, request, each, seconds, own) for each in connections}


def _request(service: Server) -> Request:
    client = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
    token = log_in(service.base_url, CONSULTANT.user, client).access_token
    headers = {"Authorization": f"Bearer {token}", **CONSULTANT.headers, "Content-Type": FHIR}
    asked = asking(REVIEW)
    return Request(WORKLIST, "POST", (FHIR_BASE + asked["url"],), headers, asked["json"])


async def _fill(settings: Settings, size: int) -> None:
    """Fill the store with `size` referrals; the consultant's workgroup has listed and many no longer listed ones."""
    store = await open_store(settings.database_url, read_or_make_key(settings.audit_key_file))
    here = LISTED * (1 + REVIEWED)
    await settle(store, chain(_here(size - here + 1), crowd(size - here)))
    async with store.begin(entry("Benchmark")) as tx:
        for number in range(LISTED):
            await tx.patients.put(_patient(number))
    await store.close()


def _here(first: int) -> Iterator[Referral]:
    chance = random.Random(1)  # noqa: S311 -- not for secrets, and the same each time
    for number in range(LISTED * (1 + REVIEWED)):
        referral = made(first + number, ReferralState.AWAITING_TRIAGE, chance, HERE)
        is_listed = number % (1 + REVIEWED) == 0
        patient = _patient(number // (1 + REVIEWED)).nhs_number
        yield msgspec.structs.replace(referral, patient=patient, review=Review(pending=is_listed))


def _patient(number: int) -> Patient:
    return Patient(
        nhs_number=NhsNumber(f"{9_980_000_000 + number}"),
        family_name="Bench",
        given_name=str(number),
        born=read_pack("demo").patients[0].born,
        sex=Sex.UNKNOWN,
    )


def _settle_log(path: Path) -> None:
    """Truncate the log, so that measuring starts as after a long time of service."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    main()
