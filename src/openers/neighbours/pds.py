"""Ask the Personal Demographics Service (PDS) for patients, by its FHIR API. Implements the port `Demographics`.

Source: PDS FHIR API, application-restricted access.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

from openers.domain.clock import Clock
from openers.domain.identifiers import NhsNumber
from openers.domain.overview.patient_search import PatientSearch
from openers.neighbours.access_token import AccessTokens
from openers.neighbours.calls import Neighbour, Reply
from openers.neighbours.pds_patient import Unreadable, codes_of, read_found, read_patient
from openers.usecases.ports.neighbours import FoundInPds, KnownPatient, NoPatient, SamePatient

NAME: Final = "Personal Demographics Service"
MEDIA_TYPE: Final = "application/fhir+json"
INVALIDATED: Final = "INVALIDATED_RESOURCE"
_ABSENT: Final = {404: {"RESOURCE_NOT_FOUND", INVALIDATED}, 400: {"INVALID_RESOURCE_ID"}}
"""Codes of replies, by status, that say that there is no record of a number."""

T = TypeVar("T")


class Pds:
    """PDS at one address. For one event loop."""

    def __init__(self, neighbour: Neighbour, url: str, tokens: AccessTokens | None, wall: Clock) -> None:
        """Store the base address `url`, and `tokens`, which the sandbox does not need; `wall` is the real clock."""
        self._neighbour, self._url, self._tokens, self._wall = neighbour, url.rstrip("/"), tokens, wall

    async def read(self, number: NhsNumber, version: str) -> KnownPatient | SamePatient | NoPatient:
        """Return the record of a number, or that it still has `version` (empty: any). Raises NeighbourSilent."""
        condition = {"If-None-Match": f'W/"{version}"'} if version else {}
        reply = await self._ask(f"{self._url}/Patient/{number}", condition)
        if reply.status == 304 and version:
            self._neighbour.usable()
            return SamePatient()
        codes = codes_of(reply.body) & _ABSENT.get(reply.status, set())
        if codes:
            self._neighbour.usable()
            return NoPatient(invalid=INVALIDATED in codes)
        return self._read(reply, read_patient)

    async def search(self, search: PatientSearch) -> FoundInPds:
        """Return the records that fit. Raises NeighbourSilent."""
        asked = {"family": search.family_name, "birthdate": f"eq{search.born.isoformat()}"}
        if search.given_name:
            asked["given"] = f"{search.given_name}*"
        if search.sex is not None:
            asked["gender"] = search.sex.value
        if search.postcode is not None:
            asked["address-postalcode"] = str(search.postcode)
        reply = await self._ask(f"{self._url}/Patient?{urlencode(asked)}", {})
        if reply.status == 400 and codes_of(reply.body):
            self._neighbour.usable()  # a person's values that PDS does not search for are no failure of PDS
            return FoundInPds((), complete=False)
        return self._read(reply, read_found)

    async def close(self) -> None:
        """End all connections."""
        await self._neighbour.close()

    async def _ask(self, address: str, condition: dict[str, str]) -> Reply:
        """Return the reply; a refused token is replaced once. Raises NeighbourSilent."""
        for _ in range(2):
            token = None if self._tokens is None else await self._tokens.token()
            reply = await self._neighbour.ask(address, {**_headers(token), **condition})
            if reply.status != 401 or self._tokens is None or token is None:
                return reply
            self._tokens.refused(token)
            self._neighbour.proceed()
        return self._neighbour.unusable("it refused a new token")

    def _read(self, reply: Reply, read: Callable[[bytes, date], T]) -> T:
        """Return what `read` reads in a successful reply. Raises NeighbourSilent."""
        if reply.status != 200:
            self._neighbour.unusable(f"it returned {reply.status}")
        try:
            found = read(reply.body, self._wall.now().date())
        except Unreadable as error:
            self._neighbour.unusable(f"its reply cannot be used: {error}")
        self._neighbour.usable()
        return found


def _headers(token: str | None) -> dict[str, str]:
    headers = {"Accept": MEDIA_TYPE, "X-Request-ID": str(uuid4()), "X-Correlation-ID": str(uuid4())}
    return headers if token is None else {**headers, "Authorization": f"Bearer {token}"}
