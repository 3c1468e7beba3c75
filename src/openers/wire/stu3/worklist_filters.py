"""What a provider narrows a worklist by, as A008 and A023 send it: one declaration and one reader for both.

An indicator says whether something is assigned at all; it comes with its value, and its value with it.
Source: rules chapters 4 (A008) and 12.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.worklists import AssignedIndicator
from openers.usecases.worklist_filters import WorklistFilters
from openers.wire.json import BadValue, MissingField, UnexpectedField
from openers.wire.stu3.kinds import coding, concept, identifier, open_coding
from openers.wire.stu3.parameters import Param, Values, optional
from openers.wire.stu3.systems import DIRECTORY, ERS_SERVICE, SDS_USER, SPECIALTY, code_system

T = TypeVar("T")

_INDICATOR: Final = concept(coding(code_system("AssignedIndicator"), AssignedIndicator))
SERVICE: Final = Param("service", identifier(ERS_SERVICE, ServiceId))
SPECIALTY_ASSIGNED: Final = Param("specialtyAssignedIndicator", _INDICATOR)
SPECIALTY_WANTED: Final = Param("specialty", concept(open_coding(SPECIALTY, str)))
LOCATION: Final = Param("location", identifier(DIRECTORY, OdsCode))
CLINICIAN_ASSIGNED: Final = Param("clinicianAssignedIndicator", _INDICATOR)
CLINICIAN: Final = Param("clinician", identifier(SDS_USER, UserId))

_ALL: Final[tuple[Param[Any], ...]] = (
    SERVICE,
    SPECIALTY_ASSIGNED,
    SPECIALTY_WANTED,
    LOCATION,
    CLINICIAN_ASSIGNED,
    CLINICIAN,
)
FILTERS: Final = tuple(optional(param) for param in _ALL)
"""The places of the filters in a request."""


def read_filters(values: Values) -> WorklistFilters:
    """The filters that were sent. Raises the classes of `Unreadable`."""
    if values.get(SPECIALTY_ASSIGNED) is AssignedIndicator.NOT_ASSIGNED:
        hint = f"must be {AssignedIndicator.ASSIGNED}: every request has a specialty"
        raise BadValue(SPECIALTY_ASSIGNED.name, AssignedIndicator.NOT_ASSIGNED, hint)
    return WorklistFilters(
        service=values.get(SERVICE),
        specialty=_assigned(values, SPECIALTY_ASSIGNED, SPECIALTY_WANTED),
        location=values.get(LOCATION),
        clinician=_assigned(values, CLINICIAN_ASSIGNED, CLINICIAN),
        unassigned=values.get(CLINICIAN_ASSIGNED) is AssignedIndicator.NOT_ASSIGNED,
    )


def refuse_filters(values: Values) -> None:
    """Raise UnexpectedField if there are any: lists of referrers take none."""
    for param in _ALL:
        if values.has(param):
            raise UnexpectedField(param.name, None, "is not expected: lists of referrers have no filters")


def _assigned(values: Values, indicator: Param[AssignedIndicator], wanted: Param[T]) -> T | None:
    """The value that goes with an indicator. Raises MissingField, UnexpectedField."""
    value, told = values.get(wanted), values.get(indicator)
    if told is AssignedIndicator.ASSIGNED and value is None:
        raise MissingField("", wanted.name, f"is missing: {indicator.name} says {told}.")
    if told is not AssignedIndicator.ASSIGNED and value is not None:
        hint = f"is only expected where {indicator.name} says {AssignedIndicator.ASSIGNED}"
        raise UnexpectedField(wanted.name, None, hint)
    return value
