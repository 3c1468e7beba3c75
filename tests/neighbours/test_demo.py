"""`openers demo --neighbours` runs both mocks, and the service asks them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.kit.service.demo import demo_in
from tests.kit.service.requests import PATIENT
from tests.neighbours.test_states import find, found


@pytest.mark.needs("bash")
def test_the_demo_asks_its_mocks(tmp_path: Path) -> None:
    with demo_in(tmp_path, words=["--neighbours"]) as demo:
        port = urlsplit(demo.base_url).port or 0
        pds, ods = (f"http://127.0.0.1:{port + above}/_mock" for above in (5, 6))
        assert httpx.put(f"{pds}/patients/{PATIENT}", json={"family_name": "Married"}).status_code == 204
        token = demo.run(".venv/bin/openers token user 555073103100").strip()
        role = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
        with httpx.Client(base_url=f"{demo.base_url}/referrals/FHIR", timeout=300.0) as client:
            client.headers.update({"Authorization": f"Bearer {token}", **role})
            assert found(client.post(**find())) == (PATIENT, "Married")
        httpx.put(f"{ods}/organisations/D82106", json={"name": "New Surgery"})
        demo.run(".venv/bin/openers admin organisation refresh D82106")
        assert "NEW SURGERY" in demo.run(".venv/bin/openers admin organisation show D82106")
        assert sorted(path.name for path in (tmp_path / "var/openers.db.mocks").iterdir()) == [
            *("ods.log", "pds.jwk", "pds.jwk.public", "pds.log")
        ]
