"""A015: free slots of a service in pages. Each rejection has status 400.

Source: rules chapter 4 (A015), 11.2 row 24.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openers.domain.directory import Service
from openers.domain.identifiers import ServiceId
from tests.kit.referrals.rig import NO_SLOTS, OTHER, RULES, SERVICE, Rig, code
from tests.kit.service.arrangements import put, service_called
from tests.kit.service.running import GP_ADMIN, RC, Person

pytestmark = pytest.mark.anyio

CLINICIAN = "555032006106"
GP_ELSEWHERE = Person("555073103211", "B86011", RC)
GOOD = {
    "schedule.actor:HealthcareService": SERVICE,
    "appointmentType": "URGENT",
    "status": "free",
    "_count": "10",
    "page": "1",
}
NEEDED = sorted(GOOD)
COUNT, PAGE, STATUS, PRIORITY = "_count", "page", "status", "appointmentType"
OF_SERVICE, OF_CLINICIAN, INCLUDE = "schedule.actor:HealthcareService", "schedule.actor:Practitioner", "_include"
WRONG = (
    *((COUNT, text, "INVALID_VALUE") for text in ("0", "101", "-1", "+1", "1.0", "x", " 1", "1e1", "\u0661", "9" * 40)),
    *((PAGE, text, "INVALID_VALUE") for text in ("0", "-1", "x", "1.5", "99999999999", "\x00")),
    *((STATUS, text, "INVALID_VALUE") for text in ("busy", "busy-unavailable", "busy-tentative", "entered-in-error")),
    *((STATUS, text, "INVALID_CODE") for text in ("FREE", "open", "x")),
    *((PRIORITY, text, "INVALID_CODE") for text in ("urgent", "SOON", "WALKIN", "2WW")),
    *((OF_SERVICE, text, "INVALID_VALUE") for text in ("x", "-1", "11002,11001", "1" * 40)),
    *((OF_CLINICIAN, text, "INVALID_VALUE") for text in ("x", "555999999999", "11002", "5" * 30)),
    *((INCLUDE, text, "INVALID_VALUE") for text in ("Slot", "Slot:patient", "slot:schedule")),
    (OF_SERVICE, "999999", "REFERENCE_NOT_FOUND"),
    (OF_SERVICE, "11013", "REFERENCE_NOT_FOUND"),  # not commissioned for this practice
    (OF_SERVICE, "11003", "INVALID_STATE"),
    (OF_SERVICE, "11014", "INVALID_STATE"),
    (OF_SERVICE, "11004", "INVALID_STATE"),
    (OF_SERVICE, "11028", "SERVICE_UNAVAILABLE"),
)
"""Parameter, invalid value, expected code."""
HEADERS = (
    (None, "MISSING_HEADER"),
    ("", "MISSING_HEADER"),
    ("x y", "INVALID_VALUE"),
    ("Z99999", "INVALID_VALUE"),
    ("B86099", "INVALID_VALUE"),  # a closed organisation
)


@pytest.fixture(scope="module")
async def clinic(desk: Rig) -> Rig:
    """Return a service with seven slots, one of them only for routine patients, and two more slots of a clinician."""
    await desk.add_slots(7)
    await desk.add_slots(2, clinician=CLINICIAN)
    for key, slot in desk.pas.slots.items():
        if key.endswith("any-6"):
            slot["serviceType"] = slot["serviceType"][:1]
            desk.pas.mark(key, "free")
    await desk.poll()
    return desk


async def ask(desk: Rig, headers: dict[str, str] = RULES, /, **instead: str | None) -> httpx.Response:
    """Call A015 with some parameters replaced or, with `None`, removed."""
    asked = {name: value for name, value in {**GOOD, **instead}.items() if value is not None}
    return await desk.gp.get("/STU3/Slot", params=asked, headers=headers)


def found(reply: httpx.Response, mode: str = "match") -> list[dict[str, Any]]:
    """Return the slots, or the included schedules."""
    assert reply.status_code == 200, reply.text
    return [each["resource"] for each in reply.json()["entry"] if each["search"]["mode"] == mode]


def pages(reply: httpx.Response) -> dict[str, int]:
    """Return the page number of each link."""
    links = {each["relation"]: parse_qs(urlsplit(str(each["url"])).query) for each in reply.json()["link"]}
    return {relation: int(query["page"][0]) for relation, query in links.items()}


@pytest.mark.parametrize("name", NEEDED)
async def test_what_is_missing_is_named(clinic: Rig, name: str) -> None:
    """A missing or empty parameter is rejected by name."""
    for value in (None, ""):
        reply = await ask(clinic, **{name: value})
        assert code(reply) == (400, "MISSING_PARAMETER")
        label = "Page Number" if name == PAGE else name
        assert reply.json()["issue"][0]["diagnostics"].startswith(f"'{label}'")


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
async def test_what_is_wrong_is_named(clinic: Rig, name: str, value: str, expected: str) -> None:
    """Each invalid value gets the code of its rule."""
    reply = await ask(clinic, **{name: value})
    assert code(reply) == (400, expected), reply.text
    assert reply.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(("sent", "expected"), HEADERS)
async def test_the_organisation_whose_rules_apply(clinic: Rig, sent: str | None, expected: str) -> None:
    """The header is required, and the organisation must be known and open."""
    headers = {} if sent is None else {"NHSD-eRS-Comm-Rule-Org": sent}
    assert code(await ask(clinic, headers)) == (400, expected)


async def test_another_organisations_rules_open_other_services(clinic: Rig) -> None:
    """With another organisation in the header, A015 finds a service that is commissioned only for that organisation."""
    reply = await ask(clinic, {"NHSD-eRS-Comm-Rule-Org": "B86011"}, **{OF_SERVICE: "11013"})
    assert (reply.status_code, reply.json()["total"]) == (200, 0)


async def test_a_page_beyond_the_last_is_refused_by_name(clinic: Rig) -> None:
    """The diagnostics have the published text."""
    reply = await ask(clinic, page="5")
    assert code(reply) == (400, "INVALID_VALUE")
    assert reply.json()["issue"][0]["diagnostics"] == "'Page Number' (5) is invalid."
    assert len(found(await ask(clinic, page="4", _count="2"))) == 2
    assert code(await ask(clinic, page="5", _count="2")) == (400, "INVALID_VALUE")


@pytest.mark.parametrize("count", ["1", "100"])
async def test_the_smallest_and_largest_page(clinic: Rig, count: str) -> None:
    """Pages of 1 and 100 slots are allowed, and the total counts the slots of all pages."""
    reply = await ask(clinic, _count=count)
    assert (len(found(reply)), reply.json()["total"]) == (min(int(count), 8), 8)


async def test_no_slots_are_an_empty_first_page(clinic: Rig) -> None:
    """Without free slots, the first page is empty and includes no schedule."""
    reply = await ask(clinic, **{OF_SERVICE: NO_SLOTS})
    assert (reply.json()["total"], reply.json()["entry"], pages(reply)) == (0, [], {"self": 1})


async def test_pages_follow_each_other_in_order(clinic: Rig) -> None:
    """The links lead through all pages. Each slot occurs once, ordered by start."""
    seen: list[dict[str, Any]] = []
    address: str | None = str(httpx.URL("/STU3/Slot", params={**GOOD, "_count": "3", "appointmentType": "ROUTINE"}))
    number = 0
    while address is not None:
        number += 1
        reply = await clinic.gp.get(address, headers=RULES)
        seen += found(reply)
        links = {each["relation"]: each["url"] for each in reply.json()["link"]}
        assert pages(reply).get("previous") == (number - 1 or None)
        assert pages(reply)["self"] == number
        assert reply.json()["total"] == 9
        address = links.get("next")
    assert (number, len(seen), len({each["id"] for each in seen})) == (3, 9, 9)
    starts = [each["start"] for each in seen]
    assert starts == sorted(starts)
    assert all(each["status"] == "free" and each["start"] < each["end"] for each in seen)


async def test_links_repeat_the_question(clinic: Rig) -> None:
    """Each link repeats all parameters of the request in encoded form."""
    reply = await ask(clinic, **{OF_CLINICIAN: CLINICIAN, INCLUDE: "Slot:schedule", COUNT: "1"})
    for link in reply.json()["link"]:
        assert link["url"].startswith("http://127.0.0.1:8000/referrals/FHIR/STU3/Slot?")
        assert ":" not in urlsplit(str(link["url"])).query
        query = {name: values[0] for name, values in parse_qs(urlsplit(str(link["url"])).query).items()}
        del query[PAGE]
        assert query == {
            OF_SERVICE: SERVICE,
            OF_CLINICIAN: CLINICIAN,
            PRIORITY: "URGENT",
            STATUS: "free",
            COUNT: "1",
            INCLUDE: "Slot:schedule",
        }


async def test_slots_of_one_clinician(clinic: Rig) -> None:
    """Only the clinician's slots are returned, with a schedule that names the clinician.

    For a known clinician without slots the result is empty.
    """
    reply = await ask(clinic, **{OF_CLINICIAN: CLINICIAN})
    assert reply.json()["total"] == 2
    (schedule,) = found(reply, "include")
    assert {each["schedule"]["reference"] for each in found(reply)} == {f"Schedule/{schedule['id']}"}
    assert [each["identifier"]["value"] for each in schedule["actor"]] == [SERVICE, CLINICIAN]
    assert (await ask(clinic, **{OF_CLINICIAN: "555031999105"})).json()["total"] == 0


async def test_each_schedule_of_the_page_comes_once(clinic: Rig) -> None:
    """Each schedule of the page is included once, with and without `_include`."""
    for include in (None, "Slot:schedule"):
        schedules = [each["id"] for each in found(await ask(clinic, _count="100", **{INCLUDE: include}), "include")]
        assert sorted(schedules) == [SERVICE, f"{SERVICE}-{CLINICIAN}"]


async def test_slots_are_for_priorities(clinic: Rig) -> None:
    """A slot is shown only for its own priorities. One of the slots is only for routine patients."""
    totals = {each: (await ask(clinic, appointmentType=each)).json()["total"] for each in ("ROUTINE", "TWO_WEEK_WAIT")}
    assert totals == {"ROUTINE": 9, "TWO_WEEK_WAIT": 8}


async def test_a_slot_in_the_past_is_not_shown(clinic: Rig) -> None:
    started = datetime.fromisoformat("2020-01-01T09:00:00+00:00")
    clinic.pas.add_schedule("past", OTHER)
    times = (started.isoformat(), (started + timedelta(minutes=30)).isoformat())
    clinic.pas.add_slot("past", "past", times, "URGENT")
    clinic.pas.shown = [clinic.pas.slots["past"]]
    await clinic.poll(OTHER)
    clinic.pas.shown = None
    assert (await ask(clinic, **{OF_SERVICE: OTHER})).json()["total"] == 0


async def test_a_service_that_is_withdrawn_has_no_slots_any_more(clinic: Rig) -> None:
    service: Service = await service_called(clinic.run, "11006")
    assert (await ask(clinic, **{OF_SERVICE: "11006"})).status_code == 200
    withdrawn = type(service.status)("WITHDRAWN")
    await put(clinic.run, msgspec.structs.replace(service, id=ServiceId("11006"), status=withdrawn))
    assert code(await ask(clinic, **{OF_SERVICE: "11006"})) == (400, "SERVICE_UNAVAILABLE")


async def test_an_admin_finds_them_too(clinic: Rig) -> None:
    admin = await clinic.run.as_person(GP_ADMIN)
    assert (await admin.get("/STU3/Slot", params=GOOD, headers=RULES)).json()["total"] == 8


PARAMETERS = st.sampled_from([*NEEDED, OF_CLINICIAN, INCLUDE])
VALUES = st.text(max_size=12) | st.sampled_from(["1", "100", SERVICE, "free", "URGENT", CLINICIAN, "Slot:schedule"])


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(PARAMETERS, VALUES, max_size=3))
async def test_whatever_is_asked_it_is_answered_or_refused(clinic: Rig, instead: dict[str, str]) -> None:
    """The service returns 200 or 400 for any parameters."""
    try:
        reply = await ask(clinic, **instead)
    except httpx.InvalidURL:
        return
    assert reply.status_code in (200, 400), reply.text
