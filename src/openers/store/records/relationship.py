"""The legitimate relationship as a condition in SQL, for lists: the twin of `Principal.may_see`.

`by` decides which of a few conditions applies (`kinship_of`); a list has one statement for each, made once with
`condition`, and runs the caller's with `values_of`. A property test holds the twins equal on both databases.
Source: rules chapter 1.3 (LR).
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
    """On what a caller's relationship to records rests."""

    OWNER = "their organisation made them"
    PROVIDER = "a service of their organisation holds them"
    WORKGROUP = "a service of one of their workgroups holds them"
    NONE = "none"


def kinship_of(by: Principal) -> Kinship:
    """Which condition decides what `by` may see."""
    if by.function in REFERRING_SIDE:
        return Kinship.OWNER
    if by.function is BusinessFunction.PROVIDER_AUTHORISED_APPLICATION:
        return Kinship.PROVIDER
    return Kinship.WORKGROUP if by.function in PROVIDER_SIDE else Kinship.NONE


def condition(
    kinship: Kinship, owner: Column[str], workgroup: Column[Any], *, postgres: bool = False
) -> ColumnElement[bool]:
    """The condition over a table's two columns, for SQLite or for PostgreSQL; its parameters are `values_of`."""
    match kinship:
        case Kinship.OWNER:
            return owner == bindparam(_ORGANISATION)
        case Kinship.PROVIDER:
            return of_organisation(workgroup, _FIRST, _END, postgres=postgres)
        case Kinship.WORKGROUP:
            if not postgres:
                return workgroup.in_(texts(_WORKGROUPS))
            # As an array it is a filter; as a subquery PostgreSQL would join it, and sort what an index had in order.
            return workgroup == func.any(func.array(texts(_WORKGROUPS, postgres=True).scalar_subquery()))
        case Kinship.NONE:
            return false()


def values_of(by: Principal) -> dict[str, Value]:
    """The parameters of the condition for `by`."""
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
    """Whether a workgroup is an organisation's; `first` and `end` name its parameters; values: `workgroups_of`."""
    ordered = workgroup.collate("C" if postgres else "BINARY")
    return and_(ordered >= bindparam(first), ordered < bindparam(end))


def workgroups_of(organisation: OdsCode, first: str, end: str) -> dict[str, Value]:
    """What starts with `ODS/` sorts from there to before `ODS0`, the next character."""
    return {first: f"{organisation}/", end: f"{organisation}0"}
