"""The filters of worklists."""

from __future__ import annotations

from dataclasses import dataclass

from openers_client import fhir
from openers_client.fhir import Json


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a worklist is narrowed to. An application names a service.

    `clinician` is a user id. `without_clinician` asks for requests that have none.
    """

    service: str | None = None
    specialty: str | None = None
    location: str | None = None
    clinician: str | None = None
    without_clinician: bool = False

    def parameters(self) -> list[Json]:
        """Return the filters as parameters. Raises ValueError if two contradict each other."""
        if self.without_clinician and self.clinician is not None:
            raise ValueError("without_clinician and clinician contradict each other: give one of them")
        listed = list[Json]()
        if self.service is not None:
            listed.append(fhir.identified("service", fhir.ERS_SERVICE, self.service))
        if self.specialty is not None:
            listed.append(_assigned("specialtyAssignedIndicator", "ASSIGNED"))
            listed.append(_concept("specialty", "_baseUrl_/STU3/CodeSystem/SPECIALTY", self.specialty))
        if self.location is not None:
            listed.append(fhir.identified("location", fhir.DIRECTORY, self.location))
        if self.clinician is not None or self.without_clinician:
            assigned = "NOT_ASSIGNED" if self.without_clinician else "ASSIGNED"
            listed.append(_assigned("clinicianAssignedIndicator", assigned))
        if self.clinician is not None:
            listed.append(fhir.identified("clinician", fhir.SDS_USER, self.clinician))
        return listed


def fetch(list_type: str, selector: str, filters: Filters | None) -> Json:
    """Return the request body of A008 or A023; `selector` names the code system of the list types."""
    kind = _concept("listType", f"{fhir.CODES}eRS-{selector}-1", list_type)
    return fhir.parameters("FetchWorklist", [kind, *(filters or Filters()).parameters()])


def _concept(name: str, system: str, code: str) -> Json:
    return {"name": name, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def _assigned(name: str, code: str) -> Json:
    return _concept(name, f"{fhir.CODES}eRS-AssignedIndicator-1", code)
