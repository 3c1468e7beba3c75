"""Worklists in SQL: each list and filter reads its own index in the order of the list.

A provider's list is read once for each of the caller's workgroups, and the results are merged. One index scan over
several workgroups would have to be sorted. With a service as filter one scan suffices. For other filters the scan uses
the index of the first filter given. Rows that are on no list are in none of these indexes. Source: rules chapters 1.3
(LR) and 4 (A008).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, ClauseElement, ColumnElement, bindparam, case, cast, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.domain.referral_worklists import PROVIDER_LISTS, Worklist
from openers.domain.worklists import WorklistFilter
from openers.store.engine.statements import Connection, Insert, Row, Statement, Value, decoder, texts
from openers.store.engine.tables import referrals, worklist_calls
from openers.store.records.relationship import Kinship, condition, kinship_of, values_of
from openers.store.records.worklist_columns import LISTED, NOBODY, listing_of
from openers.usecases.ports.worklists import Listed

_ubrn: Final = partial(str.__new__, Ubrn)
_nhs_number: Final = partial(str.__new__, NhsNumber)
"""Like `restored`, without the extra call: lists are long."""
ANY: Final = "*"
"""Value of a filter that was not given; it is not a valid code."""
FILTERS: Final = ("clinician", "specialty", "site")
"""Filters other than service, the most selective first."""

_columns = referrals.c
_decoder: Final = decoder(Referral)
_ORDER: Final = (_columns.rank, _columns.since, _columns.ubrn)


def _walk(*conditions: ColumnElement[bool]) -> ClauseElement:
    """Select the list's members that satisfy the conditions, in its order."""
    return (
        select(*_ORDER, _columns.version, _columns.patient)
        .where(*conditions)
        .order_by(*_ORDER)
        .limit(bindparam("most"))
    )


def _is(name: str) -> ColumnElement[bool]:
    return _columns[name] == bindparam(f"wanted_{name}")


def _may_be(names: Iterable[str]) -> list[ColumnElement[bool]]:
    """Return conditions for filters that may be absent."""
    return [or_(bindparam(f"wanted_{name}") == ANY, _is(name)) for name in names]


def _of_service(kinship: Kinship, *, postgres: bool) -> ClauseElement:
    related = condition(kinship, _columns.owner, _columns.workgroup, postgres=postgres)
    return _walk(_is("provider_list"), _is("service"), *_may_be(FILTERS), related)


def _of_workgroup(walked: str | None) -> Statement:
    if walked is None:
        return Statement(_walk(_is("provider_list"), _is("workgroup")))
    others = _may_be(name for name in FILTERS if name != walked)
    return Statement(_walk(_is("provider_list"), _is("workgroup"), _is(walked), *others))


OF_SERVICE: Final = {
    kinship: Statement(_of_service(kinship, postgres=False), _of_service(kinship, postgres=True))
    for kinship in (Kinship.PROVIDER, Kinship.WORKGROUP)
}
OF_WORKGROUP: Final = {walked: _of_workgroup(walked) for walked in (None, *FILTERS)}
OF_REFERRER: Final = {
    column: Statement(_walk(_is(column), _is("owner"))) for column in ("referrer_list", "letter_list")
}
_OLD: Final = Statement(
    select(_columns.ubrn, _columns.version, _columns.body)
    .where(_columns.ubrn > bindparam("after"))
    .order_by(_columns.ubrn)
    .limit(bindparam("most"))
)
_LIST: Final = Statement(
    update(referrals)
    .where(_columns.ubrn == bindparam("key"), _columns.version == bindparam("old"))
    .values({name: bindparam(name) for name in LISTED})
)


def _count(insert: Insert) -> Any:
    """Add one call on a day; on a new day restart the count at one."""
    calls, told = worklist_calls.c.calls, insert.excluded
    again = case((worklist_calls.c.day == told.day, calls + 1), else_=1)
    keys = [worklist_calls.c.application, worklist_calls.c.service]
    return insert.on_conflict_do_update(index_elements=keys, set_={"calls": again, "day": told.day}).returning(calls)


_COUNT: Final = Statement(_count(sqlite.insert(worklist_calls)), _count(postgresql.insert(worklist_calls)))


def _waiting(*, postgres: bool) -> Any:
    keys = texts("keys", postgres=postgres).subquery()
    return (
        select(_columns.service, func.count())
        .where(
            or_(*(_columns.provider_list == each.value for each in sorted(PROVIDER_LISTS))),
            _columns.service.in_(select(cast(keys.c.value, BigInteger))),
        )
        .group_by(_columns.service)
    )


_WAITING: Final = Statement(_waiting(postgres=False), _waiting(postgres=True))


class SqlWorklists:
    """The `Worklists` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def of_provider(
        self, worklist: Worklist, by: Principal, wanted: WorklistFilter, most: int
    ) -> Sequence[Listed]:
        """Return the first `most` members of a provider's list that match the filters and that `by` may see."""
        by, site = _at(wanted.location, by)
        values = {**_wanted(wanted, site), "wanted_provider_list": worklist, "most": most}
        if wanted.service is not None:
            rows = await self._connection.rows(OF_SERVICE[kinship_of(by)], {**values, **values_of(by)})
            return [_listed(row) for row in rows]
        statement = OF_WORKGROUP[next((name for name in FILTERS if values[f"wanted_{name}"] != ANY), None)]
        walks = [
            await self._connection.rows(statement, {**values, "wanted_workgroup": workgroup})
            for workgroup in sorted(by.workgroups)
        ]
        return [_listed(row) for row in (islice(merge(*walks), most) if len(walks) != 1 else walks[0])]

    async def of_referrer(self, worklist: Worklist, by: Principal, most: int) -> Sequence[Listed]:
        """Return the first `most` members of a referrer's list for the organisation of `by`."""
        column = "letter_list" if worklist is Worklist.LETTERS_OUTSTANDING else "referrer_list"
        values = {f"wanted_{column}": worklist, "wanted_owner": by.organisation, "most": most}
        return [_listed(row) for row in await self._connection.rows(OF_REFERRER[column], values)]

    async def list_old(self, after: str, most: int) -> Ubrn | None:
        """List the next referrals, by UBRN, from before lists existed; return the last UBRN, `None` at the end.

        A referral that changes meanwhile is listed by that change; its old value then has no effect here.
        """
        rows = await self._connection.rows(_OLD, {"after": after, "most": most})
        for ubrn, version, body in rows:
            listing = listing_of(_decoder.decode(body))
            await self._connection.run(_LIST, {"key": ubrn, "old": version, **listing})
        return Ubrn.restored(rows[-1][0]) if len(rows) == most else None

    async def count_call(self, application: str, service: ServiceId, day: date) -> int:
        """Count a worklist call of an application for a service; return the number of calls on that day."""
        call = {"application": application, "service": int(service), "day": day.isoformat(), "calls": 1}
        row = await self._connection.row(_COUNT, call)
        return 0 if row is None else int(row[0])

    async def waiting(self, services: Sequence[ServiceId]) -> dict[ServiceId, int]:
        """Return how many referrals wait for the provider, by service; services without any are left out."""
        rows = await self._connection.rows(_WAITING, {"keys": json.dumps(list(services))}) if services else ()
        return {ServiceId.restored(str(service)): int(number) for service, number in rows}


def _wanted(wanted: WorklistFilter, site: OdsCode | None) -> dict[str, Value]:
    """Return the filters as parameters."""
    return {
        "wanted_service": None if wanted.service is None else int(wanted.service),
        "wanted_specialty": wanted.specialty or ANY,
        "wanted_site": site or ANY,
        "wanted_clinician": NOBODY if wanted.without_clinician else wanted.clinician or ANY,
    }


def _at(location: OdsCode | None, by: Principal) -> tuple[Principal, OdsCode | None]:
    """Narrow the caller's workgroups to the location if it is an organisation; else return it as a site."""
    if location is None or (by.is_application and by.organisation == location):
        return by, None
    workgroups = frozenset(each for each in by.workgroups if each.startswith(f"{location}/"))
    return (msgspec.structs.replace(by, workgroups=workgroups), None) if workgroups else (by, location)


def _listed(row: Row) -> Listed:
    _, _, ubrn, version, patient = row
    return Listed(_ubrn(ubrn), version, _nhs_number(patient))
