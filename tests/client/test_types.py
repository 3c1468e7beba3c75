"""Type checkers see full types: mypy in its strict mode, as pyright does in `make check`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.kit.run.project import ROOT

PROGRAM: Final = """
from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from openers_client import ErsClient, Role, Session, SlotQuery, SyncErsClient
from openers_client.administration import Organisation, Registered, Webhook
from openers_client.records.booking import Appointment, Slot
from openers_client.records.referral import Referral


async def waits_for_nothing(client: ErsClient, session: Session) -> None:
    gp = client.caller(session, Role("D82106", "REFERRING_CLINICIAN"))
    referral = await gp.read_referral("000000000000")
    assert_type(referral, Referral)
    assert_type(gp.slots(SlotQuery(service="11006")), AsyncIterator[Slot])
    found = await client.administration(session).organisations.read("RCD")
    assert_type(found, Registered[Organisation])
    assert_type(found.value, Organisation)
    await gp.read_referral(1)  # fault
    await client.administration(session).organisations.create(found)  # fault


def waits(client: SyncErsClient, session: Session) -> None:
    gp = client.caller(session)
    assert_type(gp.slots(SlotQuery(service="11006")), Iterator[Slot])
    assert_type(gp.cancel_appointment(gp.read_appointment("1"), "PATIENT_ILL"), Appointment)
    ops = client.administration(session)
    assert_type(ops.people.read("1").value.name, str)
    assert_type(next(ops.webhooks.all()), Webhook)
    gp.read_referral(1)  # fault
    ops.patients.end(ops.patients.read("1"))  # fault
"""
FAULTS: Final = (
    'Argument 1 to "read_referral" of "Referrals" has incompatible type "int"; expected "str"',
    'Argument 1 to "create" of "Register" has incompatible type "Registered[Organisation]"',
    'Argument 1 has incompatible type "int"; expected "str"',
    '"SyncRegister[Patient]" has no attribute "end"',
)
"""What is wrong in the program. It has no other faults: no type is `Any`."""


def mypy(folder: Path, *words: str) -> list[str]:
    """Return the findings of mypy."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder / "cache")]
    done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_mypy_finds_the_faults_of_a_program_and_none_in_the_client(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    found = mypy(tmp_path, "--disallow-any-expr", str(program))
    lines = [number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# fault")]
    assert [int(each.split(":")[1]) for each in found] == lines, "\n".join(found)
    for each, told in zip(found, FAULTS, strict=True):
        assert told in each
    assert mypy(tmp_path, "-p", "openers_client") == []
