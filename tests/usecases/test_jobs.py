"""Jobs: every module that declares one is listed, and the kinds are those in stored data."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import openers.usecases
from openers.usecases.due import DECLARED, job
from openers.usecases.jobs import JOBS, MODULES, PLANS, REPEATING
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

USE_CASES = Path(inspect.getfile(openers.usecases)).parent
DECLARES = re.compile(r"^@job\(", re.MULTILINE)
KINDS = {
    "cancel orphaned booking": "cancel_orphan",
    "list old referrals": "list_old_referrals",
    "poll slots": "poll_service",
    "purge credentials": "purge_credentials",
    "purge file": "purge_file",
    "remind patient": "remind_patient",
    "remove content of file": "remove_content",
    "renew patients": "renew_patients",
    "response overdue": "note_overdue",
    "scan file": "scan_file",
    "settle claim": "settle_claim",
    "sweep strays": "sweep_strays",
    "tell log-out": "tell_log_out",
    "tell webhook": "deliver",
}
"""Jobs by kind, as earlier releases stored them. A kind may be added, but never renamed."""


def test_the_kinds_are_those_that_stores_hold() -> None:
    assert {kind: run.__name__ for kind, run in JOBS.items()} == KINDS
    assert {"poll slots", "purge credentials", "renew patients", "sweep strays"} == REPEATING
    assert [plan.__name__ for plan in PLANS] == ["plan_deliveries"]


def test_every_module_that_declares_a_job_is_listed() -> None:
    declaring = {path for path in USE_CASES.rglob("*.py") if DECLARES.search(path.read_text())}
    assert declaring == {Path(inspect.getfile(module)) for module in MODULES}


def test_a_kind_has_one_job() -> None:
    async def again(item: DueItem, world: World) -> None:
        """Never run."""

    with pytest.raises(ValueError, match="poll slots"):
        job("poll slots")(again)
    assert DECLARED["poll slots"].run is not again
