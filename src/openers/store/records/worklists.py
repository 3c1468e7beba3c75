"""Worklists in SQL: one statement for each kind of caller and set of filters, built at its first use.

A listed table has the columns `workgroup`, `owner`, `listed`, `service`, `specialty`, `location` and `clinician`, and
an index over all but `owner` in this order. Filters are checked in the index only, so a list reads only the rows that
it returns. Source: rules chapter 4 (A008, A023).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, bindparam, or_, select

from openers.domain.principal import Principal
from openers.domain.worklists import WorklistFilter
from openers.store.engine.statements import Statement, Value
from openers.store.records.relationship import Kinship, condition, kinship_of, of_organisation, values_of, workgroups_of

_PREFIX: Final = "wanted_"
_FIRST: Final = "location_workgroups_from"
_END: Final = "location_workgroups_before"
_FILTERS: Final = ("service", "specialty", "location", "clinician")


def worklist(table: Table, listed: int, wanted: WorklistFilter, by: Principal) -> tuple[Statement, dict[str, Value]]:
    """Return the statement that selects the rows of a list that match the filters and that `by` may see.

    `listed` is the list. Its rows have UBRN, version, patient and body, by UBRN. The values of its parameters are
    returned too.
    """
    given = _given(wanted)
    values: dict[str, Value] = {f"{_PREFIX}{name}": each for name, each in given.items()}
    if wanted.location is not None:
        values |= workgroups_of(wanted.location, _FIRST, _END)
    statement = _statement(table, kinship_of(by), tuple(given), wanted.without_clinician)
    return statement, {**values_of(by), "listed_as": listed, **values}


def _given(wanted: WorklistFilter) -> dict[str, Value]:
    values: dict[str, Value] = {
        "service": None if wanted.service is None else int(wanted.service),
        "specialty": wanted.specialty,
        "location": wanted.location,
        "clinician": wanted.clinician,
    }
    return {name: values[name] for name in _FILTERS if values[name] is not None}


@cache
def _statement(table: Table, kinship: Kinship, given: tuple[str, ...], without_clinician: bool) -> Statement:
    return Statement(*(_select(table, kinship, given, without_clinician, postgres) for postgres in (False, True)))


def _select(table: Table, kinship: Kinship, given: tuple[str, ...], without_clinician: bool, postgres: bool) -> Any:
    own = table.c
    conditions: list[ColumnElement[bool]] = [
        condition(kinship, own.owner, own.workgroup, postgres=postgres),
        own.listed == bindparam("listed_as"),
        *(own[name] == bindparam(f"{_PREFIX}{name}") for name in given if name != "location"),
    ]
    if "location" in given:
        at_organisation = of_organisation(own.workgroup, _FIRST, _END, postgres=postgres)
        conditions.append(or_(own.location == bindparam(f"{_PREFIX}location"), at_organisation))
    if without_clinician:
        conditions.append(own.clinician.is_(None))
    return select(own.ubrn, own.version, own.patient, own.body).where(*conditions).order_by(own.ubrn)
