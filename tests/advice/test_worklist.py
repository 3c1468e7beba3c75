"""The filters of the advice worklist (A023) on both databases, and its use of the index."""

from __future__ import annotations

import sqlite3
from typing import Final

import pytest

from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.principal import BusinessFunction
from openers.domain.worklists import WorklistFilter
from openers.store.engine.tables import conversations
from openers.store.records.conversations import LISTED
from openers.store.records.worklists import worklist as statement_of
from tests.kit.referrals.talk import ADVICE, WITH_TARGET, Talk, concept, entries_of, question
from tests.kit.service.requests import CS, ERS_SERVICE, SDS_USER, Json, criteria, identifier
from tests.kit.store.records import caller

pytestmark = pytest.mark.anyio

SPECIALTY: Final = "_baseUrl_/STU3/CodeSystem/SPECIALTY"
INDICATOR: Final = f"{CS}eRS-AssignedIndicator-1"
PLACES: Final = "https://directory.spineservices.nhs.uk/STU3/Organization"
NAMED: Final = "555032006106"


def indicated(name: str, code: str) -> Json:
    """Return an indicator parameter."""
    return concept(f"{name}AssignedIndicator", INDICATOR, code)


async def _asked(talk: Talk, service: str, clinician: str | None = None) -> str:
    """Create a request to a service, optionally with a named clinician; return its UBRN."""
    named = () if clinician is None else (identifier("namedClinician", SDS_USER, clinician),)
    reply = await talk.gp.post(**question(services=(service,), of=criteria(*named)))
    assert reply.status_code == 200, reply.text
    return str(reply.json()["parameter"][0]["resource"]["id"])


async def test_each_filter(both: Talk) -> None:
    """The list can be filtered by service, specialty, site, organisation and clinician. Combined filters all apply."""
    plain, named, other = await _asked(both, ADVICE), await _asked(both, ADVICE, NAMED), await _asked(both, WITH_TARGET)
    everything = [plain, named, other]
    of_clinician = (indicated("clinician", "ASSIGNED"), identifier("clinician", SDS_USER, NAMED))
    of_specialty = (indicated("specialty", "ASSIGNED"), concept("specialty", SPECIALTY, "CARDIOLOGY"))
    wanted: list[tuple[tuple[Json, ...], list[str]]] = [
        ((), everything),
        ((identifier("service", ERS_SERVICE, ADVICE),), [plain, named]),
        ((identifier("service", ERS_SERVICE, WITH_TARGET),), [other]),
        (of_specialty, everything),
        ((indicated("specialty", "ASSIGNED"), concept("specialty", SPECIALTY, "UROLOGY")), []),
        ((identifier("location", PLACES, "RCD01"),), everything),
        ((identifier("location", PLACES, "RCD"),), everything),
        ((identifier("location", PLACES, "R6903"),), []),
        (of_clinician, [named]),
        ((indicated("clinician", "NOT_ASSIGNED"),), [plain, other]),
        ((identifier("service", ERS_SERVICE, ADVICE), *of_specialty, *of_clinician), [named]),
        ((identifier("service", ERS_SERVICE, WITH_TARGET), *of_clinician), []),
    ]
    for filters, expected in wanted:
        assert entries_of(await both.listed(*filters)) == expected, filters
    assert "entry" not in await both.listed(identifier("location", PLACES, "R6903"))


FILTERS = (
    WorklistFilter(),
    WorklistFilter(service=ServiceId(ADVICE)),
    WorklistFilter(specialty="CARDIOLOGY", clinician=UserId(NAMED)),
    WorklistFilter(location=OdsCode("RCD01"), without_clinician=True),
)


@pytest.mark.parametrize("wanted", FILTERS, ids=lambda each: str(each)[:60])
async def test_a_list_is_looked_up_in_its_index(talk: Talk, wanted: WorklistFilter) -> None:
    """The query searches the index by workgroup and listing state, without a table scan."""
    by = caller(BusinessFunction.SERVICE_PROVIDER_CLINICIAN, "RCD", "RCD/Cardiology")
    statement, values = statement_of(conversations, LISTED, wanted, by)
    path = talk.run.service.settings.sqlite_path
    assert path is not None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    asked = [values[name] for name in statement.sqlite_names]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.sqlite}", asked)]
    connection.close()
    assert any("ix_conversations_worklist (workgroup=? AND listed=?" in step for step in plan), plan
    assert not any(step.startswith("SCAN conversations") for step in plan), plan
