"""If a process beside the service does not start in time, the message gives the reason and its last output."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer

from openers.cli.children import child
from tests.kit.service.live import free_port

SILENT = "import time; print('thinking', flush=True); time.sleep(1000)"
FAILING = "print('no diary'); raise SystemExit(3)"


@pytest.mark.parametrize(
    ("program", "reason"), [(SILENT, "did not listen at port {} within 0 s"), (FAILING, "ended with status 3")]
)
def test_a_start_that_fails_says_why(
    program: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The silent program gets a timeout of 0 s, the failing program one of 300 s."""
    port, log = free_port(), tmp_path / "log"
    within_s = 0 if program == SILENT else 300
    with (
        pytest.raises(typer.Exit),
        child("the diary", [sys.executable, "-c", program], log, ("127.0.0.1", port), within_s),
    ):
        pass
    assert f"openers: the diary {reason.format(port)}; its last lines were:" in capsys.readouterr().err
