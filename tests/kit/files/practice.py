"""A GP practice that sends letters: a running service, its GP, and common steps of file tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.kit.files.samples import LETTER, Sample, maintain, scan, upload
from tests.kit.service.arrangements import created, sent_for_triage
from tests.kit.service.requests import Json
from tests.kit.service.running import GP, Running
from tests.kit.store.outside import tables as all_of

TABLES = ("referrals", "history", "files", "counters", "events", "due")


@dataclass
class Practice:
    """A service and a GP who uses it."""

    run: Running
    gp: httpx.AsyncClient

    async def refer(self) -> str:
        """Create a referral, which has version 3; return its UBRN."""
        return await created(self.run)

    async def refer_for_triage(self) -> str:
        """Create a referral that the provider can see; return its UBRN."""
        return await sent_for_triage(self.run)

    async def file(self, ubrn: str, name: str = "letter.pdf", sample: Sample = LETTER) -> str:
        """Upload a file for the referral; return its id."""
        return await upload(self.gp, sample, ubrn, name)

    async def maintain(
        self, ubrn: str, version: int | str, *documents: Json | str, by: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """Call A012 as the GP or another user."""
        return await (by or self.gp).post(**maintain(ubrn, version, *documents))

    async def lettered(self, *names: str, ubrn: str | None = None) -> tuple[str, list[str], int]:
        """Give a referral a letter with files of these names; return its UBRN, the file ids and its version."""
        of = ubrn or await self.refer()
        files = [await self.file(of, name) for name in names or ("letter.pdf",)]
        reply = await self.maintain(of, 3, *files)
        assert reply.status_code == 200, reply.text
        return of, files, int(reply.json()["meta"]["versionId"])

    async def read(self, ubrn: str) -> Json:
        """Return the referral as A005 returns it."""
        reply = await self.gp.get(f"/STU3/ReferralRequest/{ubrn}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def scan(self, *files: str) -> None:
        """Scan the files."""
        await scan(self.run, *files)

    async def rows(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of these tables; by default those of all tables that files and letters change."""
        return await all_of(self.run.service.settings.database_url, *(tables or TABLES))


async def practice_in(run: Running) -> Practice:
    """Return the practice that uses this service."""
    return Practice(run, await run.as_person(GP))
