"""The page "Set up a production service", from an empty PostgreSQL database to a booked referral, over TLS."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.checks import documents
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.demo import linked
from tests.kit.service.live import free_port, free_port_with
from tests.kit.store.stores import PostgresServer

PAGE = ROOT / "docs/how-to/set-up-production.md"
TLS_ABOVE = 443

pytestmark = pytest.mark.needs("bash", "curl", "openssl")


def test_the_commands_of_the_page_set_up_a_service(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """They run as written; only ports and the address of the database are others. The last one finds a whole audit."""
    script = documents.script(PAGE, documents.ADDRESS)
    script = script.replace("postgresql://ers@localhost/ers", postgres_server.create())
    service, provider, pas = free_port_with(TLS_ABOVE), free_port_with(TLS_ABOVE), free_port()
    ports = {8000: service, 8443: service + TLS_ABOVE, 8100: provider, 8543: provider + TLS_ABOVE, 8002: pas}
    script = re.sub(r"\b(8000|8443|8100|8543|8002)\b", lambda found: str(ports[int(found[0])]), script)
    linked(tmp_path, ROOT / ".venv")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    environment = {**kept, "OPENERS_METRICS_PORT": str(free_port())}
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate(timeout=HANGS_AFTER_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
    logs = "\n".join(path.read_text()[-2000:] for path in (tmp_path / "build/live").glob("*.log"))
    assert shell.returncode == 0, f"{printed}\n{logs}"
    lines = printed.splitlines()
    assert re.fullmatch(r"\d{12}", lines[lines.index("booked") - 1]), printed
    assert "entries" in lines[lines.index("booked") + 1], printed
