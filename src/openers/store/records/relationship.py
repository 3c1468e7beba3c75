"""The legitimate relationship as a condition in SQL, for lists; it must match `Principal.may_see`.

The function of `by` decides which condition applies (`kinship_of`). A list has one statement for each condition, built
once with `condition`, and runs the caller's with `values_of`. A property test checks on both databases that SQL and
`may_see` agree. Source: rules chapter 1.3 (LR).
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, and_, bindparam, false, func

from openers.domain.identifiers import OdsCode
from openers.domain.principal import PROVIDER_SIDE, REFERRING_SIDE, BusinessFunction, Principal
from openers.store.engine.statements import Value, texts

_ORGANISATION: Final = "seen_by_organisation"
_FIRST: Final = "seen_workgroups_from"
_END: Final = "seen_workgroups_before"
_WORKGROUPS: Final = "seen_workgroups"


class Kinship(Enum):
    """The basis of a caller's relationship to records."""

    OWNER = "the caller's organisation created the record"
    PROVIDER = "a service of the caller's organisation has the record"
    WORKGROUP = "a service of one of the caller's workgroups has the record"
    NONE = "none"


def kinship_of(by: Principal) -> Kinship:
    """Return the condition that decides which records `by` may see."""
    if by.function in REFERRING_SIDE:
        return Kinship.OWNER
    if by.function is BusinessFunction.PROVIDER_AUTHORISED_APPLICATION:
        return Kinship.PROVIDER
    return Kinship.WORKGROUP if by.function in PROVIDER_SIDE else Kinship.NONE


def condition(
    kinship: Kinship, owner: Column[str], workgroup: Column[Any], *, postgres: bool = False
) -> ColumnElement[bool]:
    """Return the condition over a table's two columns, for SQLite or PostgreSQL; `values_of` has its parameters."""
    match kinship:
        case Kinship.OWNER:
            return owner == bindparam(_ORGANISATION)
        case Kinship.PROVIDER:
            return of_organisation(workgroup, _FIRST, _END, postgres=postgres)
        case Kinship.WORKGROUP:
            if not postgres:
                return workgroup.in_(texts(_WORKGROUPS))
            # PostgreSQL filters by an array; it would join a subquery, and sort rows that the index already orders.
            return workgroup == func.any(func.array(texts(_WORKGROUPS, postgres=True).scalar_subquery()))
        case Kinship.NONE:
            return false()


def values_of(by: Principal) -> dict[str, Value]:
    """Return the parameters of the condition for `by`."""
    match kinship_of(by):
        case Kinship.OWNER:
            return {_ORGANISATION: str(by.organisation)}
        case Kinship.PROVIDER:
            return workgroups_of(by.organisation, _FIRST, _END)
        case Kinship.WORKGROUP:
            return {_WORKGROUPS: json.dumps(sorted(by.workgroups))}
        case Kinship.NONE:
            return {}


def of_organisation(workgroup: Column[Any], first: str, end: str, *, postgres: bool) -> ColumnElement[bool]:
    """Return the condition for an organisation's workgroups; `first` and `end` name its parameters."""
    ordered = workgroup.collate("C" if postgres else "BINARY")
    return and_(ordered >= bindparam(first), ordered < bindparam(end))


def workgroups_of(organisation: OdsCode, first: str, end: str) -> dict[str, Value]:
    """Return the range of texts that start with `ODS/`: up to `ODS0`, since 0 is the next character after /."""
    return {first: f"{organisation}/", end: f"{organisation}0"}
