"""Filters for a provider's worklist in requests, for A008 and A023.

An indicator says whether to filter by an assigned value; ASSIGNED requires the value. Source: rules chapters 4 (A008)
and 12.
"""

from __future__ import annotations

from typing import Final

from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.worklists import Assigned, WorklistFilter
from openers.wire.json import BadValue, MissingField, UnexpectedField
from openers.wire.stu3.kinds import coding, concept, identifier, open_coding
from openers.wire.stu3.parameters import Param, Values, optional
from openers.wire.stu3.systems import DIRECTORY, ERS_SERVICE, SDS_USER, SPECIALTY, code_system

_ASSIGNED: Final = concept(coding(code_system("AssignedIndicator"), Assigned))
SERVICE: Final = Param("service", identifier(ERS_SERVICE, ServiceId))
SPECIALTY_INDICATOR: Final = Param("specialtyAssignedIndicator", _ASSIGNED)
OF_SPECIALTY: Final = Param("specialty", concept(open_coding(SPECIALTY, str)))
LOCATION: Final = Param("location", identifier(DIRECTORY, OdsCode))
CLINICIAN_INDICATOR: Final = Param("clinicianAssignedIndicator", _ASSIGNED)
CLINICIAN: Final = Param("clinician", identifier(SDS_USER, UserId))
FILTERS: Final = tuple(
    map(optional, (SERVICE, SPECIALTY_INDICATOR, OF_SPECIALTY, LOCATION, CLINICIAN_INDICATOR, CLINICIAN))
)
"""The parameters of a worklist's request besides `listType`."""


def read_filter(values: Values) -> WorklistFilter:
    """Return the filter in `values`. Raises MissingField, UnexpectedField, BadValue."""
    specialty, clinician = values.get(OF_SPECIALTY), values.get(CLINICIAN)
    if values.get(SPECIALTY_INDICATOR) is Assigned.NOT_ASSIGNED:
        raise BadValue(SPECIALTY_INDICATOR.name, Assigned.NOT_ASSIGNED, "must be ASSIGNED: every entry has a specialty")
    _check(OF_SPECIALTY.name, specialty, values.get(SPECIALTY_INDICATOR))
    _check(CLINICIAN.name, clinician, values.get(CLINICIAN_INDICATOR))
    return WorklistFilter(
        service=values.get(SERVICE),
        specialty=specialty,
        location=values.get(LOCATION),
        clinician=clinician,
        without_clinician=values.get(CLINICIAN_INDICATOR) is Assigned.NOT_ASSIGNED,
    )


def _check(name: str, value: str | None, indicator: Assigned | None) -> None:
    """Check that a value is given if and only if its indicator is ASSIGNED."""
    if indicator is Assigned.ASSIGNED and value is None:
        raise MissingField("", name, "is missing: the indicator says ASSIGNED")
    if indicator is not Assigned.ASSIGNED and value is not None:
        raise UnexpectedField(name, value, "is only allowed if its indicator is ASSIGNED")
