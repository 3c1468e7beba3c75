"""Reference data, services, and the caller's own roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers_client.operations.base import Call, Operations, path
from openers_client.records import directory as records
from openers_client.records.directory import CodeSystem, FoundService, Service
from openers_client.requests.shortlists import Search
from openers_client.roles import Role

SERVICES: Final = "/R4/HealthcareService"


class Directory(Operations):
    """Operations on reference data, services and people. Each raises `ErsError`."""

    async def code_system(self, name: str) -> CodeSystem:
        """Read a code system of the service, such as PRIORITY (A004)."""
        where = path("/STU3/CodeSystem/{}", name)
        return records.code_system(await self._json(Call(number="A004", method="GET", path=where, reads=True)))

    async def search_services(self, search: Search) -> tuple[FoundService, ...]:
        """Search for services that suit a patient (A010)."""
        where = "/STU3/HealthcareService/$ers.searchHealthcareServicesForPatient"
        call = Call(number="A010", method="POST", path=where, reads=True, body=search.body())
        return records.found_services(await self._json(call))

    async def read_service(self, service_id: str) -> Service:
        """Read a service (A033)."""
        where = path(f"{SERVICES}/{{}}", service_id)
        return records.service(await self._json(Call(number="A033", method="GET", path=where, reads=True)))

    async def service_version(self, service_id: str) -> int:
        """Return the latest version of a service without reading it (A037)."""
        where = path(f"{SERVICES}/{{}}", service_id)
        reply = await self._reply(Call(number="A037", method="HEAD", path=where, reads=True))
        digits = reply.headers.get("etag", "").strip('W/"')
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    async def read_services(self, service_ids: Sequence[str]) -> tuple[Service, ...]:
        """Read several services (A035). Services that do not exist are left out."""
        query = (("_id", ",".join(service_ids)),)
        call = Call(number="A035", method="GET", path=SERVICES, reads=True, query=query)
        return records.services(await self._json(call))

    async def my_roles(self) -> tuple[Role, ...]:
        """Return the roles of the user who is logged in (A030). It needs no role."""
        call = Call(number="A030", method="GET", path="/R4/PractitionerRole", reads=True, names_role=False)
        return records.roles(await self._json(call))

    async def clinicians_to_act_for(self) -> tuple[str, ...]:
        """Return the user ids of the clinicians for whom the caller may act (A040)."""
        query = (("_query", "onBehalfOf"),)
        call = Call(number="A040", method="GET", path="/R4/Practitioner", reads=True, query=query, acts_for=False)
        return records.user_ids(await self._json(call))
