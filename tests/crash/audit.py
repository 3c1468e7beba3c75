"""Whether the audit of a service that was stopped in good order holds, up to the head that it noted last."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.run.command import openers
from tests.kit.service.live import Live


def check_audit(stopped: Live, settings: Mapping[str, str]) -> None:
    """Run `openers audit verify`."""
    head = stopped.log().rpartition("audit head")[2].partition("head=")[2].split()[0]
    verified = openers("audit", "verify", "--head", head, **settings)
    assert (verified.returncode, verified.stderr) == (0, "")
