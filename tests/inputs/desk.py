"""Builds valid requests with every input of an operation, changes their inputs, and finds the stored values."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import httpx

from openers.api.registry import all_operations
from openers.wire.schemas import COMPONENTS
from tests.inputs.derived import fields
from tests.kit.calls.expectations import BY_NAME, Expected
from tests.kit.referrals.rig import booking
from tests.kit.referrals.stage import Stage
from tests.kit.referrals.words import priority, said
from tests.kit.referrals.worklists import at_location, of_clinician, of_service, of_specialty
from tests.kit.service.arrangements import instant
from tests.kit.service.requests import DIRECTORY, Json, coding, criteria, identifier, shortlist
from tests.kit.service.running import CONSULTANT

Parameters = Callable[[], list[Json]]
RICH: Final = criteria(
    {"name": "indicativeAppointmentWaitTimeLimit", "valueUnsignedInt": 91},
    {"name": "postcode", "valueString": "LS1 4EY"},
    {"name": "distanceLimit", "valueUnsignedInt": 57},
    coding("clinicalTerm", "http://snomed.info/sct", "1003"),
    coding("commissioningProvisioning", "CommissioningProvisioning", "ALL_SERVICES"),
    identifier("organisation", DIRECTORY, "RCD"),
    appropriate=True,
)
DAYS: Final[Json] = {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 4711}
FILTERS: Final = [
    of_service("11004"),
    at_location("RCD01"),
    *of_specialty("CARDIOLOGY"),
    *of_clinician(CONSULTANT.user),
]
MORE: Final[Mapping[str, Parameters]] = {
    "A008-provider": lambda: FILTERS,
    "A010": lambda: [
        {"name": "searchCriteria", "resource": RICH},
        identifier("commissioningRuleOrganisation", "https://fhir.nhs.uk/Id/ods-organization-code", "D82106"),
    ],
    "A011": lambda: [
        shortlist("11002", "11001", of=RICH),
        DAYS,
        {"name": "eReferralPathwayStart", "valueInstant": instant(datetime.now(UTC) - timedelta(days=20))},
    ],
    "A014": lambda: [said("rejectionComments", "Not for this clinic, kept.")],
    "A022": lambda: [said("comments", "Ring the patient, kept."), priority("TWO_WEEK_WAIT", "priority")],
    "A026": lambda: [said("guidance", "Watch and wait, kept.")],
    "A027": lambda: [said("guidance", "We will see them, kept."), said("reviewComments", "Book the clinic, kept.")],
    "A028": lambda: [
        coding("reviewOutcome", "ReviewOutcome", "ACCEPT_REFER_BOOK_LATER"),
        said("reviewComments", "Soon, kept."),
        priority("TWO_WEEK_WAIT"),
    ],
    "A031": lambda: [DAYS],
    "A036": lambda: [said("cancellationComments", "The patient went private, kept.")],
    "A044": lambda: [said("request", "What would you do, kept?")],
    "X001": lambda: [said("reply", "Normal, kept.")],
    "X002": lambda: [said("comments", "Thank you, kept.")],
}
"""Parameters that replace those of the same name in the shortest valid body, or are added to it."""
APPOINTMENTS: Final[Json] = {"comment": "Needs a chair, kept.", "language": "en", "created": "2020-02-02T02:02:02.000Z"}


@dataclass(frozen=True)
class Desk:
    """A service with a stage, and clients by the names of `Expected.who`."""

    stage: Stage
    clients: Mapping[str, httpx.AsyncClient]

    async def body(self, name: str) -> Json:
        """Return a valid body with as many inputs as are permitted together."""
        if name == "A016-booking":
            slot, referral = (await self.stage.rig.free())[0], await self.stage.rig.refer()
            return {**booking(referral, slot), **APPOINTMENTS}
        found: Json = deepcopy(await BY_NAME[name].content(self.stage) or {})
        if name in ("A016", "A034"):
            return {**found, **APPOINTMENTS}
        if name == "A012":
            found["parameter"][0]["resource"]["description"] = "The letter, kept."
        more = MORE.get(name, list)()
        names = {each["name"] for each in more}
        found["parameter"] = [*(each for each in found["parameter"] if each["name"] not in names), *more]
        return found

    async def send(self, name: str, **instead: Any) -> httpx.Response:
        """Send a valid request; `instead` replaces arguments of `Expected.call`."""
        expected = expected_of(name)
        return await expected.call(self.clients[expected.who], self.stage, **instead)

    def rows(self) -> set[str]:
        """Return all rows of the database except the audit, one text for each row."""
        path = self.stage.rig.run.service.settings.sqlite_path
        assert path is not None
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = [each for each in tables if not each.startswith(("audit", "sqlite"))]
            return {written(row) for table in kept for row in connection.execute(f"SELECT * FROM {table}")}


def expected_of(name: str) -> Expected:
    """Return the expected operation of a request by name; a booking is another request of A016."""
    return BY_NAME[name.removesuffix("-booking")]


def written(row: tuple[Any, ...]) -> str:
    """Return a row as one text."""
    return " ".join(each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in row)


def names_of(number: str) -> list[str]:
    """Return the names of the test requests for an operation."""
    found = [each.name for each in BY_NAME.values() if each.number == number and each.variant == ""]
    return [*found, *{"A008": ["A008-provider"], "A016": ["A016-booking"]}.get(number, [])]


def request_of(number: str) -> Json | None:
    """Return the schema of an operation's body."""
    named = next(each.request for each in all_operations() if each.id == number)
    return None if named is None else COMPONENTS[named]


def places(body: Json, schema: Json) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield each input of a body: the table of its row, its name and the path to its value."""
    yield from _places(body, schema, "", [])


def _places(node: Json, schema: Json, table: str, way: list[Any]) -> Iterator[tuple[str, str, list[Any]]]:
    for name, part in fields(schema).items():
        found = _parameter(node, name) if "parameter" in node else _path(node, name.split("."))
        if found is None:
            continue
        yield table, name, [*way, *found]
        if part:
            yield from _places(at(node, found), COMPONENTS[part], part, [*way, *found])


def _parameter(node: Json, name: str) -> list[Any] | None:
    for index, each in enumerate(cast("list[Json]", node["parameter"])):
        if each["name"] == name:
            return ["parameter", index, next(key for key in each if key != "name")]
    return None


def _path(body: Json, names: list[str]) -> list[Any] | None:
    way: list[Any] = []
    for name in names:
        if name not in at(body, way):
            return None
        way.append(name)
        while isinstance(at(body, way), list) and at(body, way):
            way.append(0)
    return way


def at(node: Any, way: list[Any]) -> Any:
    """Return the value at a path."""
    for step in way:
        node = node[step]
    return node


def changed(body: Json, way: list[Any], value: Any) -> Json:
    """Return the body with another value at a path."""
    copy = deepcopy(body)
    at(copy, way[:-1])[way[-1]] = value
    return copy


def text_of(value: Any) -> str:
    """Return the text of a value: the code of a coding, the value of an identifier, the target of a reference."""
    if isinstance(value, dict):
        node = cast("Json", value)
        key = next((each for each in ("coding", "code", "value", "reference", "identifier", "url") if each in node), "")
        return text_of(node[key]) if key else ""
    if isinstance(value, list):
        return text_of(cast("list[Any]", value)[0])
    return str(value).lower() if isinstance(value, bool) else str(value)


def wrong(value: Any) -> Any:
    """Return a wrong value of the same shape."""
    if isinstance(value, dict):
        node = cast("Json", value)
        key = next((each for each in ("coding", "code", "value", "reference", "identifier", "url") if each in node), "")
        return {**node, key: wrong(node[key])} if key else {"x": "x"}
    if isinstance(value, list):
        return [wrong(cast("list[Any]", value)[0])]
    return -1 if isinstance(value, int) and not isinstance(value, bool) else "x"
