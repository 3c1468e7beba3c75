"""The requests that are measured on each store, and the environment of the measured service."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
from tests.kit.service.requests import create_referral, search
from tests.kit.service.running import FHIR, GP

from bench.files import upload
from bench.load import Request
from bench.processes import Server
from openers.settings import Settings
from openers.worlds.packs import read_pack
from openers_client import Application, log_in

FHIR_BASE: Final = "/referrals/FHIR"


def environ_of(settings: Settings) -> dict[str, str]:
    """Return the environment of a measured service."""
    return {
        "OPENERS_DATABASE_URL": settings.database_url,
        "OPENERS_BLOB_URL": settings.blob_url,
        "OPENERS_AUDIT_KEY_FILE": str(settings.audit_key_file),
        "OPENERS_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "OPENERS_ACCESS_CODE_KEY_FILE": str(settings.access_code_key_file),
        "OPENERS_SEARCH_LIMIT": "20",
        "OPENERS_KEPT_EXCHANGES": "0",  # production stores none
    }


def requests_of(service: Server, directory: Path) -> list[Request]:
    """Return the scenarios after each has worked once; the upload is the last."""
    client = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
    token = log_in(service.base_url, GP.user, client).access_token
    headers = {"Authorization": f"Bearer {token}", **GP.headers}
    posted = {**headers, "Content-Type": FHIR}
    creation, finding = create_referral(), search()
    ubrns: list[str] = []
    with httpx.Client(base_url=f"{service.base_url}{FHIR_BASE}", headers=headers) as gp:
        gp.post(**finding).raise_for_status()
        for _ in range(200):
            created = gp.post(**creation)
            created.raise_for_status()
            ubrns.append(created.json()["id"])
    referrals = tuple(f"{FHIR_BASE}/STU3/ReferralRequest/{ubrn}" for ubrn in ubrns)
    return [
        Request("A004 PRIORITY", "GET", (f"{FHIR_BASE}/STU3/CodeSystem/PRIORITY",), headers),
        Request("A005", "GET", referrals, headers),
        Request("A010 top 20 of 1000", "POST", (FHIR_BASE + finding["url"],), posted, finding["json"]),
        Request("A011", "POST", (FHIR_BASE + creation["url"],), posted, creation["json"]),
        upload(headers, f"{FHIR_BASE}/STU3/Binary", directory),
    ]
