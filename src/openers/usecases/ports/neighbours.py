"""National services as ports: the Personal Demographics Service (PDS), its mirror in the store, and ODS.

No transaction may be open while one of them is asked. Source: ADR 0079, ADR 0080.
"""

from __future__ import annotations

from asyncio import Task
from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Protocol

import msgspec

from openers.domain.clock import Instant
from openers.domain.directory import OrganisationKind
from openers.domain.identifiers import NhsNumber, OdsCode, Postcode
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import MirrorState, Patient


class KnownPatient(msgspec.Struct, frozen=True):
    """PDS' record and its version. If the patient has another number than asked for, that number replaces it."""

    patient: Patient
    version: str


class SamePatient(msgspec.Struct, frozen=True):
    """PDS' record still has the version that the request named."""


class NoPatient(msgspec.Struct, frozen=True):
    """PDS has no usable record. `invalid`: there was one, and its number must not be used any more."""

    invalid: bool = False


class FoundInPds(msgspec.Struct, frozen=True):
    """The records that a search found; not `complete` if PDS found more than it returns."""

    patients: Sequence[KnownPatient]
    complete: bool


class Demographics(Protocol):
    """PDS."""

    async def read(self, number: NhsNumber, version: str) -> KnownPatient | SamePatient | NoPatient:
        """Return the record of a number, or that it still has `version` (empty: any). Raises NeighbourSilent."""
        ...

    async def search(self, search: PatientSearch) -> FoundInPds:
        """Return the records that fit. Raises NeighbourSilent."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...


class Patients(Protocol):
    """The world's own patients, if the patient source is a table."""

    async def get(self, nhs_number: NhsNumber) -> Patient | None:
        """Return the patient with this number."""
        ...

    async def find(self, search: PatientSearch, most: int) -> Sequence[Patient]:
        """Return the first `most` patients who fit, without sensitive ones, sorted by number."""
        ...

    async def put(self, patient: Patient) -> None:
        """Add or replace a patient."""
        ...

    async def unusable(self, numbers: Collection[NhsNumber]) -> frozenset[NhsNumber]:
        """Return those of the numbers whose records are sensitive or do not exist."""
        ...


class PatientMirror(Protocol):
    """What PDS said of numbers, and when."""

    async def get(self, number: NhsNumber) -> MirrorState | None:
        """Return what PDS said of a number; `None` if it was never asked."""
        ...

    async def several(self, numbers: Collection[NhsNumber]) -> Sequence[MirrorState]:
        """Return what PDS said of those of the numbers for which it was asked, in any order."""
        ...

    async def put(self, state: MirrorState) -> None:
        """Add or replace what PDS said of a number."""
        ...

    async def overdue(self, before: Instant, most: int) -> Sequence[NhsNumber]:
        """Return at most `most` numbers of patients on a worklist for whom PDS was not asked since `before`.

        Those who were asked for longest ago, or never, come first.
        """
        ...


class Mirroring:
    """How a world mirrors PDS, and the refreshes in progress. One for each process; for one event loop.

    A record younger than `fresh` is used without asking. If PDS is silent, one younger than `stale` is still used for
    new referrals. Patients on a worklist are refreshed after `renewed`.
    """

    def __init__(self, source: Demographics, fresh: timedelta, stale: timedelta, renewed: timedelta) -> None:
        """Store the source and the ages."""
        self.source, self.fresh, self.stale, self.renewed = source, fresh, stale, renewed
        self.under_way: dict[tuple[str, NhsNumber], Task[MirrorState]] = {}
        """Refreshes in progress, by world and number, so that one request serves all callers."""
        self.absent: OrderedDict[tuple[str, NhsNumber], MirrorState] = OrderedDict()
        """The latest numbers that PDS does not know: they are not stored, so guesses do not fill the database."""


class OdsOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    """What ODS says of an organisation. `kind` is `None` if its roles have no part in a referral.

    If it has closed and ODS does not say when, `closed_on` is the day of the question and not `is_day_known`.
    """

    ods: OdsCode
    name: str
    kind: OrganisationKind | None
    postcode: Postcode | None
    address: str = ""
    telephone: str = ""
    closed_on: date | None = None
    is_day_known: bool = True
    commissioner: OdsCode | None = None


class OrganisationSource(Protocol):
    """The Organisation Data Service (ODS)."""

    async def read(self, ods: OdsCode) -> OdsOrganisation | None:
        """Return an organisation; `None` if ODS has none with this code. Raises NeighbourSilent."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...
