"""`worklist pull` that is killed goes on where it ended: a file that is whole is never fetched again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from openers.testing import TestedService
from openers_client.http import send
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.quickconnect.test_journeys import CONSULTANT, GP, LETTER, Enter, booked

COMMAND: Final = (
    *(sys.executable, "-m", "openers_quickconnect", "worklist", "pull", "--json"),
    *("--client-id", "demo-user-app", "--secret", "published-secret-of-demo-user-app"),
    *("--user", CONSULTANT, "--organisation", "RCD", "--business-function", "SERVICE_PROVIDER_CLINICIAN"),
)
KILLS: Final = 4


@pytest.mark.parametrize("seed", [1])
def test_a_killed_pull_goes_on_and_fetches_nothing_twice(
    tested: TestedService, walker: Enter, tmp_path: Path, seed: int
) -> None:
    """It is killed as soon as some more files are whole, which may be in the middle of any call."""
    gp = walker(GP)
    for number in (booked(gp, "NEED_TO_ADD_LATER") for _ in range(3)):
        gp.go(f"{gp.role}/referrals/{number}/letter")
        gp.upload("Add the letter", LETTER, description="Referral letter")
    forward = f"{tested.base_url}/_test/clock/advance"
    send("POST", forward, '{"minutes": 10}', {"Content-Type": "application/json"})  # until the letters are scanned
    folder, chance = tmp_path / "pulled", random.Random(seed)
    whole: dict[str, tuple[int, int]] = {}
    for _ in range(KILLS):
        wanted = len(whole) + chance.randint(1, 2)
        process = subprocess.Popen([*COMMAND, "--service", tested.base_url, "--to", folder], stdout=subprocess.DEVNULL)
        until(partial(_has, folder, wanted, process), "the pull hangs")
        process.kill()
        process.wait(HANGS_AFTER_S)
        found = _whole(folder)
        assert {name: found.get(name) for name in whole} == whole, "a whole file was fetched again"
        whole = found
    assert _pulled(tested, folder)["failed"] is None
    at_end, at_once = _whole(folder), tmp_path / "at once"
    assert {name: at_end.get(name) for name in whole} == whole
    assert _pulled(tested, at_once)["kept"] == 0
    assert at_end.keys() == _whole(at_once).keys()
    assert list(folder.rglob("*.part")) == []
    for name in at_end:
        if name.endswith(LETTER[0]):
            assert (folder / name).read_bytes() == LETTER[1]


def _has(folder: Path, wanted: int, process: subprocess.Popen[bytes]) -> bool:
    """Return whether so many files are whole, or the pull has ended."""
    return len(_whole(folder)) >= wanted or process.poll() is not None


def _pulled(tested: TestedService, folder: Path) -> dict[str, Any]:
    """Pull to the end; return what the command says."""
    command = [*COMMAND, "--service", tested.base_url, "--to", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _whole(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the files that are whole, each with what a second download would change: its inode and time."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}
