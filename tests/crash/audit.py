"""Verifies the audit of a service after an orderly stop, up to the last head in its log."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.run.command import openers
from tests.kit.service.live import Live


def check_audit(stopped: Live, settings: Mapping[str, str]) -> None:
    """Assert that `openers audit verify` finds no fault up to the logged head."""
    head = stopped.log().rpartition("audit head")[2].partition("head=")[2].split()[0]
    verified = openers("audit", "verify", "--head", head, **settings)
    assert (verified.returncode, verified.stderr) == (0, "")
