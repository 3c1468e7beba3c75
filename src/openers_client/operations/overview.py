"""Names, patients, next steps and histories: extensions of OpenERS, which the real service lacks."""

from __future__ import annotations

from collections.abc import Sequence

from openers_client.operations.base import Call, Operations, path
from openers_client.records import overview as records
from openers_client.records.overview import Event, FoundPatients, Named, Overview
from openers_client.requests import patients as requests
from openers_client.requests.patients import PatientSearch


class Overviews(Operations):
    """Operations for pages. Each raises `ErsError`."""

    async def find_names(
        self, patients: Sequence[str] = (), people: Sequence[str] = (), organisations: Sequence[str] = ()
    ) -> tuple[Named, ...]:
        """Return the names behind up to 100 identifiers (X003)."""
        body = requests.names_of(patients, people, organisations)
        where = "/STU3/Patient/$openers.findNames"
        return records.names(await self._json(Call(number="X003", method="POST", path=where, reads=True, body=body)))

    async def find_patients(self, search: PatientSearch) -> FoundPatients:
        """Find patients by NHS number, or by family name and date of birth (X004)."""
        call = Call(number="X004", method="POST", path="/STU3/Patient/$openers.find", reads=True, body=search.body())
        return records.found_patients(await self._json(call))

    async def patient_requests(self, patient: str) -> tuple[Overview, ...]:
        """Return the requests of a patient that the caller may see, newest first (X005)."""
        where, body = "/STU3/Patient/$openers.requests", requests.requests_of(patient)
        return records.overviews(
            await self._json(Call(number="X005", method="POST", path=where, reads=True, body=body))
        )

    async def overviews(self, ubrns: Sequence[str]) -> tuple[Overview, ...]:
        """Return the next step and the last act of up to 100 requests (X006)."""
        where, body = "/STU3/ReferralRequest/$openers.overviews", requests.overviews_of(ubrns)
        return records.overviews(
            await self._json(Call(number="X006", method="POST", path=where, reads=True, body=body))
        )

    async def history(self, ubrn: str) -> tuple[Event, ...]:
        """Return who did what with a request, oldest first (X007)."""
        where = path("/STU3/ReferralRequest/{}/$openers.history", ubrn)
        return records.events(await self._json(Call(number="X007", method="GET", path=where, reads=True)))
