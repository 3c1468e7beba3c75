"""The catalogue: one data file behind addresses, documents, headers and the page of the documentation."""

from __future__ import annotations

from datetime import date
from typing import Final

import pytest

from openers.api.legacy.catalogue import ENDING, Generation, Status, catalogue_on, entries
from openers.api.legacy.registry import LEGACY, LegacyOperation, facade
from openers.api.registry import all_operations
from tests.kit.run.project import ROOT
from tests.kit.service.running import CONSULTANT, Running
from tests.legacy.client import programs

pytestmark = pytest.mark.anyio
OF_THE_FAQ: Final = date(2018, 6, 1)
PAGE: Final = "docs/reference/catalogue-2018.md"


def served() -> set[tuple[str, str, str, str]]:
    """Return generation, number, method and path of every operation that is served."""
    operations = [each.operation for each in (*LEGACY, *facade())]
    return {
        (each.generation, each.id, each.method, each.path) for each in operations if isinstance(each, LegacyOperation)
    }


def test_every_row_is_served_at_its_address() -> None:
    rows = {(str(each.generation), each.id, each.verb, each.path) for each in entries()}
    assert rows <= served()
    more = {(number, path) for _, number, _, path in served() - rows}
    assert {number for number, _ in more} == {"A005", "A022", "A024"}  # versions, and the spelling of today
    assert len({(each.id, each.generation) for each in entries()}) == len(entries())
    known = {each.id for each in all_operations()}
    for each in entries():
        days = [since.on for since in each.history]
        assert days == sorted(days)
        assert each.successor is None or each.successor in known
        assert (each.history[-1].status in ENDING) is (each.until is not None)


@pytest.mark.parametrize(
    ("day", "live", "alpha", "beta"),
    [
        (date(2016, 12, 23), 0, 0, 0),
        (date(2016, 12, 24), 0, 0, 8),
        (OF_THE_FAQ, 8, 6, 0),
        (date(2020, 3, 23), 21, 0, 2),
    ],
)
def test_the_catalogue_on_a_day(day: date, live: int, alpha: int, beta: int) -> None:
    found = [status for _, status in catalogue_on(day)]
    counts = [found.count(each) for each in (Status.LIVE, Status.ALPHA, Status.BETA)]
    assert counts == [live, alpha, beta]


async def test_the_documents_have_the_rows(service: Running) -> None:
    async with programs(service.service) as (program,):
        http = program.http
        for name in list(http.headers):
            if name.lower().startswith("xapi"):
                del http.headers[name]
        shown = (await http.get("/catalogue", params={"on": "2018-06-01"})).json()
        assert shown["on"] == "2018-06-01"
        told = [
            (each["id"], each["generation"], each["verb"], each["path"], each["status"]) for each in shown["operations"]
        ]
        assert told == [
            (row.id, row.generation, row.verb, row.path, status) for row, status in catalogue_on(OF_THE_FAQ)
        ]
        today = (await http.get("/catalogue", params={"generation": "STU3 v1"})).json()["operations"]
        assert {each["generation"] for each in today} == {"STU3 v1"}
        assert {each["status"] for each in today} == {"deprecated"}
        for query in ({"on": "June"}, {"generation": "DSTU1"}):
            assert (await http.get("/catalogue", params=query)).status_code == 400
        for path, kind, generations in (
            ("/v1/metadata", "Conformance", (Generation.DSTU2, Generation.ALPHA)),
            ("/STU3/v1/metadata", "CapabilityStatement", (Generation.STU3_V1,)),
        ):
            statement = (await http.get(path)).json()
            assert statement["resourceType"] == kind
            (rest,) = statement["rest"]
            told = "\n".join(
                [
                    *(each["documentation"] for each in rest["resource"]),
                    *(each["definition"]["display"] for each in rest["operation"]),
                ]
            )
            for row in entries():
                assert (f"{row.verb} {row.path}:" in told) is (row.generation in generations), row


async def test_deprecated_operations_say_so(service: Running) -> None:
    async with programs(service.service) as (program,):
        begun = await program.begin(CONSULTANT.user)
        assert begun.headers["deprecation"] == "@1667260800"
        await program.log_in(CONSULTANT)
        old = await program.specialties()
        assert old.headers["deprecation"] == "@1585699200"
        lists = await program.http.post("/v1/ReferralRequest/$ers.fetchworklist", json={})
        base = service.service.settings.base_url
        link = f'<{base}/referrals/FHIR/STU3/ReferralRequest/$ers.fetchworklist>; rel="successor-version"'
        assert lists.headers["link"] == link


def test_the_page_of_the_documentation_has_every_row() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    for row in entries():
        until = "" if row.until is None else row.until.isoformat()
        cells = (row.id, row.name, row.verb, f"`{row.path}`", row.since.isoformat(), until)
        assert f"| {' | '.join(cells)} |" in page, row
