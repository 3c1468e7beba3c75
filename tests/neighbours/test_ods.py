"""Organisations from ODS: what is read, and what a refresh registers and changes. Source: ADR 0080."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.directory import OrganisationKind
from openers.domain.identifiers import OdsCode, Postcode
from openers.neighbours.ods import Ods, Unreadable, read_organisation
from openers.usecases.ports.neighbours import OdsOrganisation
from tests.kit.service.administration import ADMIN, administered, administrator
from tests.kit.service.running import PRACTICE, Running, running, settings_for
from tests.neighbours.mock import Mock, mock

TODAY: Final = date(2026, 11, 30)
NEW: Final = {"name": "Far Surgery", "kind": "GP_PRACTICE", "postcode": "LS1 4AP"}


@pytest.fixture(scope="module")
def one_ods(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mock]:
    """Run an ODS for the tests of this module."""
    with mock(tmp_path_factory.mktemp("mocks"), "ods") as served:
        yield served


@pytest.fixture
def ods(one_ods: Mock) -> Mock:
    """Return the ODS with the organisations of the demo world."""
    one_ods.reset("organisations")
    return one_ods


@pytest.fixture
async def asking_ods(demo_url: str, keys: Path, ods: Mock) -> AsyncGenerator[Running]:
    """Run a service that asks ODS, once for each kind of database."""
    async with running(settings_for(demo_url, keys, ods_url=f"{ods.url}/ORD/2-0-0")) as run:
        yield await administered(run)
        assert run.service.world.ods is not None
        await run.service.world.ods.close()


def _record(**changes: Any) -> bytes:
    record = {
        "Name": "THE SURGERY",
        "Date": [{"Type": "Operational", "Start": "1974-04-01"}],
        "OrgId": {"root": "2.16.840.1.113883.2.1.3.2.4.18.48", "extension": "A81001"},
        "Status": "Active",
        "GeoLoc": {"Location": {"AddrLn1": "1 HIGH STREET", "Town": "LEEDS", "PostCode": "LS1 4AP", "UPRN": 1}},
        "Contacts": {"Contact": [{"type": "http", "value": "x"}, {"type": "tel", "value": "0113 4960000"}]},
        "Roles": {
            "Role": [{"id": "RO177", "primaryRole": True, "Status": "Active"}, {"id": "RO76", "Status": "Active"}]
        },
        "Rels": {
            "Rel": [
                {"id": "RE4", "Status": "Inactive", "Target": {"OrgId": {"extension": "00C"}}},
                {"id": "RE8", "Status": "Active", "Target": {"OrgId": {"extension": "00D"}}},
                {"id": "RE4", "Status": "Active", "Target": {"OrgId": {"extension": "00P"}}},
            ]
        },
        **changes,
    }
    return json.dumps({"Organisation": record}).encode()


def test_a_practice_is_read() -> None:
    assert read_organisation(_record(), TODAY) == OdsOrganisation(
        ods=OdsCode("A81001"),
        name="THE SURGERY",
        kind=OrganisationKind.GP_PRACTICE,
        postcode=Postcode("LS1 4AP"),
        address="1 HIGH STREET, LEEDS",
        telephone="0113 4960000",
        commissioner=OdsCode("00P"),
    )


ENDED: Final = [{"Type": "Legal", "End": "2020-03-31"}, {"Type": "Operational", "End": "2020-04-30"}]
ROWS: Final[list[tuple[dict[str, Any], str, object]]] = [
    ({"Roles": {"Role": [{"id": "RO197", "Status": "Active"}]}}, "kind", OrganisationKind.PROVIDER),
    ({"Roles": {"Role": [{"id": "RO98", "Status": "Active"}]}}, "kind", OrganisationKind.COMMISSIONER),
    ({"Roles": {"Role": [{"id": "RO177", "Status": "Active"}]}}, "kind", None),
    ({"Roles": {"Role": [{"id": "RO76", "Status": "Inactive"}]}}, "kind", None),
    ({"Date": ENDED, "Status": "Inactive"}, "closed_on", date(2020, 3, 31)),
    ({"Date": ENDED, "Status": "Inactive"}, "is_day_known", True),
    ({"Status": "Inactive"}, "closed_on", TODAY),
    ({"Status": "Inactive"}, "is_day_known", False),
    ({}, "is_day_known", True),
    ({"Rels": {"Rel": []}}, "commissioner", None),
    ({"GeoLoc": {}}, "postcode", None),
]


@pytest.mark.parametrize(("changes", "field", "expected"), ROWS)
def test_parts_of_an_organisation(changes: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(read_organisation(_record(**changes), TODAY), field) == expected


@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: _record(Name=text, Status=text)))
def test_no_reply_breaks_the_reader(body: bytes) -> None:
    """Each reply is read or is `Unreadable`."""
    try:
        read_organisation(body, TODAY)
    except Unreadable:
        return


async def refreshed(client: httpx.AsyncClient, code: str, words: str = "") -> httpx.Response:
    """Ask for a refresh."""
    return await client.post(f"{ADMIN}/organisations/{code}/refresh{words}")


@pytest.mark.anyio
async def test_a_refresh_registers_and_renews(asking_ods: Running, ods: Mock) -> None:
    """A new practice comes with its new commissioner; its kind and its version follow the rules of every record."""
    client = await administrator(asking_ods)
    ods.put("organisations/Y99C", name="Far Commissioner", kind="COMMISSIONER", postcode="LS1 4AP")
    ods.put("organisations/Y99001", **NEW, commissioner="Y99C")
    rehearsed = await refreshed(client, "Y99001", "?dry_run=true")
    assert (rehearsed.status_code, (await client.get(f"{ADMIN}/organisations/Y99001")).status_code) == (200, 404)
    made = await refreshed(client, "Y99001")
    assert (made.status_code, made.json()["name"], made.json()["commissioner"]) == (201, "FAR SURGERY", "Y99C")
    payer = (await client.get(f"{ADMIN}/organisations/Y99C")).json()
    assert (payer["kind"], payer["name"]) == ("COMMISSIONER", "FAR COMMISSIONER")
    again = await refreshed(client, "Y99001")
    assert (again.status_code, again.headers["x-openers-change"]) == (200, "unchanged")
    ods.put("organisations/Y99001", closed_on="2026-10-01")
    closed = await refreshed(client, "Y99001")
    assert (closed.headers["x-openers-change"], closed.json()["closed_on"]) == ("replaced", "2026-10-01")


@pytest.mark.anyio
async def test_a_refresh_is_refused_with_its_cure(asking_ods: Running, ods: Mock) -> None:
    """Nothing is stored by a refusal, and what fails at ODS is told as such."""
    client = await administrator(asking_ods)
    ods.put("organisations/Y99002", **NEW, commissioner="NOBODY")
    for code, status, text in (
        ("Y99999", 404, "ODS has no organisation Y99999"),
        ("not-a-code", 404, "ODS has no organisation not-a-code"),
        ("Y99002", 422, "NOBODY"),
    ):
        refusal = await refreshed(client, code)
        assert (refusal.status_code, text in refusal.json()["detail"]) == (status, True), refusal.text
    for fault in ({"garbage": True}, {"status": 500}, {"status": 429}):
        ods.fault(**fault)
        silent = await refreshed(client, PRACTICE)
        assert (silent.status_code, silent.json()["code"]) == (503, "SYSTEM_UNAVAILABLE"), fault
        assert "Organisation Data Service does not respond" in silent.json()["detail"]
    definer = await administrator(asking_ods, "SERVICE_DEFINER")
    assert (await refreshed(definer, PRACTICE)).status_code == 403


@pytest.mark.anyio
async def test_a_service_without_ods_says_so(service: Running) -> None:
    client = await administrator(await administered(service))
    refusal = await refreshed(client, PRACTICE)
    assert (refusal.status_code, refusal.json()["cure"]) == (422, "set OPENERS_ODS_URL, or put the record")


class FixedOds:
    """An ODS that says the same of each organisation."""

    def __init__(self, said: OdsOrganisation) -> None:
        """Begin with no question."""
        self.said, self.asked = said, 0

    async def read(self, ods: OdsCode) -> OdsOrganisation | None:
        """Return what it says."""
        self.asked += 1
        return self.said


GONE: Final = OdsOrganisation(
    ods=OdsCode("Y99003"), name="GONE SURGERY", kind=OrganisationKind.GP_PRACTICE, postcode=Postcode("LS1 4AP")
)
CLOSINGS: Final[list[tuple[str | None, bool, str | None]]] = [
    ("2026-03-01", False, "2026-03-01"),
    ("2026-03-09", False, "2026-03-01"),
    ("2026-02-01", True, "2026-02-01"),
    ("2026-03-10", False, "2026-02-01"),
    (None, True, None),
    ("2030-01-01", True, "2030-01-01"),
    ("2026-03-11", False, "2026-03-11"),
]
"""The day of ODS, whether ODS knows it or it is the day of the question, and the day that is stored."""


@pytest.mark.anyio
async def test_a_closing_day_that_ods_does_not_know_does_not_move(
    asking_ods: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first refresh that finds the organisation closed sets the day; later ones keep it."""
    client = await administrator(asking_ods)
    for day, is_day_known, stored in CLOSINGS:
        closed_on = None if day is None else date.fromisoformat(day)
        said = msgspec.structs.replace(GONE, closed_on=closed_on, is_day_known=is_day_known)
        monkeypatch.setattr(Ods, "read", FixedOds(said).read)
        reply = await refreshed(client, GONE.ods)
        assert (day, reply.json()["closed_on"]) == (day, stored), reply.text


@pytest.mark.anyio
async def test_ods_is_asked_only_for_a_new_request_and_a_code(
    asking_ods: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repetition gets the first reply also if ODS says something else by then, or nothing."""
    client = await administrator(asking_ods)
    source = FixedOds(GONE)
    monkeypatch.setattr(Ods, "read", source.read)
    once = {"Idempotency-Key": "refresh-once"}
    first = await client.post(f"{ADMIN}/organisations/{GONE.ods}/refresh", headers=once)
    source.said = msgspec.structs.replace(GONE, name="OTHER")
    again = await client.post(f"{ADMIN}/organisations/{GONE.ods}/refresh", headers=once)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    reused = await client.post(f"{ADMIN}/organisations/Y99004/refresh", headers=once)
    assert (reused.status_code, reused.json()["code"]) == (422, "KEY_REUSED")
    for key in ("not-a-code", "X" * 1000):
        refusal = await refreshed(client, key)
        assert (refusal.status_code, len(refusal.json()["detail"]) < 200) == (404, True), refusal.text
    assert source.asked == 1
