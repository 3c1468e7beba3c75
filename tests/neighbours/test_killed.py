"""A service that is killed while it asks PDS keeps the old record, and asks again after its restart."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread

import httpx

from tests.kit.run.command import openers
from tests.kit.run.waiting import until
from tests.kit.service.live import live, settings_env
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import GP
from tests.neighbours.mock import Mock
from tests.neighbours.test_states import find, found


def test_a_service_killed_while_it_asks_starts_again(
    sqlite_url: str, keys: Path, pds: Mock, settings_of_pds: Mapping[str, object]
) -> None:
    """Nothing half is stored, and the audit verifies."""
    given = {f"OPENERS_{name.upper()}": str(value) for name, value in settings_of_pds.items()}
    settings = {**settings_env(sqlite_url, keys), **given}
    pds.change(PATIENT, family_name="Married")
    with live(settings) as service:
        client = service.as_person(GP)
        pds.fault(times=2, wait_s=600.0)

        def _ask() -> None:
            with suppress(httpx.TransportError):
                client.post(**find())

        asking = Thread(target=_ask, daemon=True)
        asking.start()
        until(lambda: pds.requests("oauth2") == 1, "the service did not ask")
        service.kill()
        asking.join()
    pds.fault(times=1)
    with live(settings) as service:
        assert found(service.as_person(GP).post(**find())) == (PATIENT, "Married")
        service.stop()
    verified = openers("audit", "verify", **settings)
    assert (verified.returncode, verified.stderr) == (0, "")
