"""Tests for any system that implements the contract between a service and a PAS (docs/reference/pas-contract.md).

Inherit `PasContract` and give it a fixture `subject`. The tests use only what the contract offers, so they can run
against any base URL; they book free slots and leave others alone.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import anyio
import httpx
import pytest

from tests.testpas.contract_tokens import TokenContract
from tests.testpas.subject import Resource, Subject, included, link, matches, problem, wanted

PRIORITIES: Final = {"ROUTINE", "URGENT", "TWO_WEEK_WAIT"}
WRONG_BODIES: Final[dict[str, Resource]] = {
    "another status": {"status": "proposed"},
    "no status": {"status": None},
    "no slot": {"slot": None},
    "two slots": {"slot": [{"reference": "Slot/1"}, {"reference": "Slot/2"}]},
    "no start": {"start": None},
    "another end": {"end": "2030-01-01T10:00:00Z"},
    "a start without an offset": {"start": "2030-01-01T10:00:00"},
    "no identifier": {"identifier": []},
    "no patient": {"participant": []},
    "a number as status": {"status": 7},
    "another resource": {"resourceType": "Slot"},
}


@pytest.mark.anyio
class PasContract(TokenContract):
    """The contract, test by test."""

    async def test_slots_are_as_the_contract_shapes_them(self, subject: Subject) -> None:
        """Each slot has its number, times, schedule and priorities, and each schedule has its service."""
        bundle = await subject.search(("_count", "500"))
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
        assert bundle["total"] == len(matches(bundle)) >= 30
        schedules = {each["id"]: each for each in included(bundle)}
        for slot in matches(bundle):
            assert slot["status"] == "free"
            assert slot["identifier"][0]["system"] == "https://fhir.nhs.uk/Id/alternative-slot"
            start, end = datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"])
            assert timedelta() < end - start < timedelta(hours=8)
            assert datetime.fromisoformat(slot["meta"]["lastUpdated"]).tzinfo is not None
            assert {each["coding"][0]["code"] for each in slot["serviceType"]} <= PRIORITIES
            actor = schedules[slot["schedule"]["reference"].removeprefix("Schedule/")]["actor"]
            assert actor[0]["identifier"]["value"] == subject.service_id
            assert [each["identifier"]["system"] for each in actor[1:]] in ([], ["http://fhir.nhs.net/Id/sds-user-id"])
        numbers = [slot["identifier"][0]["value"] for slot in matches(bundle)]
        assert len(set(numbers)) == len(numbers)

    async def test_pages_are_the_whole(self, subject: Subject) -> None:
        """The pages reached by next links contain each slot once, and all state the same total."""
        whole = [slot["id"] for slot in matches(await subject.search(("_count", "500")))]
        pages = await _pages(subject, await subject.search(("_count", "7")))
        assert [len(matches(page)) for page in pages[:-1]] == [7] * (len(pages) - 1)
        assert {page["total"] for page in pages} == {len(whole)}
        assert sorted(slot["id"] for page in pages for slot in matches(page)) == sorted(whole)
        assert all(link(page, "self") for page in pages)

    async def test_slots_start_within_the_bounds(self, subject: Subject) -> None:
        """`ge` includes its instant, `lt` does not."""
        starts = sorted({datetime.fromisoformat(slot["start"]) for slot in await subject.free(30)})
        bounds = [("start", f"ge{starts[1].isoformat()}"), ("start", f"lt{starts[3].isoformat()}")]
        found = matches(await subject.search(*bounds, ("_count", "500")))
        assert {datetime.fromisoformat(slot["start"]) for slot in found} == {starts[1], starts[2]}

    async def test_a_service_without_slots_has_an_empty_bundle(self, subject: Subject) -> None:
        """A known service without slots and an unknown service get an empty bundle."""
        for service_id in (subject.empty_service_id, "99999999"):
            bundle = await subject.search(service_id=service_id)
            assert (bundle["total"], matches(bundle), link(bundle, "next")) == (0, [], None)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("start", "ge2026-01-01"),
            ("start", "yesterday"),
            ("_count", "0"),
            ("_count", "many"),
            ("_lastUpdated", "2026-01-01T00:00:00Z"),
        ],
    )
    async def test_a_query_that_means_nothing_is_refused(self, subject: Subject, name: str, value: str) -> None:
        """An invalid query gets 400 with an OperationOutcome."""
        service = ("schedule.actor:identifier", f"http://fhir.nhs.net/Id/ers-service|{subject.service_id}")
        assert problem(await subject.get("/Slot", [service, (name, value)]))[0] == 400

    async def test_changes_show_whatever_became_of_a_slot(self, subject: Subject) -> None:
        """A booked slot is no longer among the free slots and appears as changed; so does a slot that is free again."""
        slot, other = await subject.free(2)
        since = ("_lastUpdated", f"ge{await _latest_change(subject)}")
        booked = (await subject.book(slot)).json()
        changed = await _changed(subject, since)
        assert changed[slot["id"]]["status"] == "busy"
        assert other["id"] not in {each["id"] for each in changed.values() if each["status"] == "busy"}
        assert slot["id"] not in {each["id"] for each in matches(await subject.search(("_count", "500")))}
        assert (await subject.cancel(booked)).status_code == 200
        again = (await _changed(subject, since))[slot["id"]]
        assert again["status"] == "free"
        assert _updated(again) > _updated(changed[slot["id"]]) > _updated(slot)

    async def test_changes_are_paged_too(self, subject: Subject) -> None:
        """No change is lost between two pages."""
        since = ("_lastUpdated", f"ge{await _latest_change(subject)}")
        slots = await subject.free(5)
        for slot in slots:
            assert (await subject.book(slot)).status_code == 201
        pages = await _pages(subject, await subject.search(since, ("_count", "2")))
        found = [slot["id"] for page in pages for slot in matches(page)]
        assert {slot["id"] for slot in slots} <= set(found)
        assert len(found) == len(set(found))

    async def test_a_free_slot_is_booked(self, subject: Subject) -> None:
        """A booking gets 201 with its address, an id and a version, and returns the sent values."""
        [slot] = await subject.free()
        key = str(uuid4())
        reply = await subject.book(slot, key)
        assert reply.status_code == 201, reply.text
        appointment = reply.json()
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", appointment["id"])
        assert f"/Appointment/{appointment['id']}" in reply.headers["location"]
        assert appointment["meta"]["versionId"]
        sent = wanted(slot, key)
        for name in ("status", "slot", "participant"):
            assert appointment[name] == sent[name]
        for name in ("start", "end", "created"):
            assert datetime.fromisoformat(appointment[name]) == datetime.fromisoformat(sent[name])
        assert all(each in appointment["identifier"] for each in sent["identifier"])

    async def test_a_repeated_key_finds_its_booking(self, subject: Subject) -> None:
        """A repeated key gets 200 and the first booking, whatever else the request contains."""
        slot, other = await subject.free(2)
        key = str(uuid4())
        first = await subject.book(slot, key)
        for repeated in (await subject.book(slot, key), await subject.book(other, key)):
            assert (repeated.status_code, repeated.json()["id"]) == (200, first.json()["id"])
        assert other["id"] in {each["id"] for each in matches(await subject.search(("_count", "500")))}

    async def test_a_taken_slot_is_refused(self, subject: Subject) -> None:
        """A booked slot gets 409; the same key has no booking and may book another slot."""
        slot, other = await subject.free(2)
        assert (await subject.book(slot)).status_code == 201
        key = str(uuid4())
        assert problem(await subject.book(slot, key)) == (409, "conflict")
        assert (await subject.look_up(key))["total"] == 0
        assert (await subject.book(other, key)).status_code == 201

    async def test_an_unknown_slot_is_refused(self, subject: Subject) -> None:
        """An unknown slot gets 404."""
        [slot] = await subject.free()
        assert problem(await subject.book({**slot, "id": "nowhere"}))[0] == 404

    @pytest.mark.parametrize("wrong", WRONG_BODIES)
    async def test_a_wrong_body_is_refused(self, subject: Subject, wrong: str) -> None:
        """A wrong body gets 422 and books nothing."""
        [slot] = await subject.free()
        key = str(uuid4())
        assert problem(await subject.book(slot, key, **WRONG_BODIES[wrong]))[0] == 422
        assert (await subject.look_up(key))["total"] == 0

    async def test_what_is_no_json_or_has_no_key_is_refused(self, subject: Subject) -> None:
        """A body that is not JSON and a request without a key get 400."""
        [slot] = await subject.free()
        key = str(uuid4())
        assert problem(await subject.post(b"{", key))[0] == 400
        assert problem(await subject.post(wanted(slot, key), None))[0] == 400

    async def test_the_key_of_the_body_is_that_of_the_header(self, subject: Subject) -> None:
        """If the keys of body and header differ, the reply is 422."""
        [slot] = await subject.free()
        assert problem(await subject.post(wanted(slot, str(uuid4())), str(uuid4())))[0] == 422

    async def test_a_key_can_be_looked_up(self, subject: Subject) -> None:
        """A look-up of a key finds one entry after a booking and none before."""
        [slot] = await subject.free()
        key = str(uuid4())
        assert matches(await subject.look_up(key)) == []
        booked = (await subject.book(slot, key)).json()
        bundle = await subject.look_up(key)
        assert (bundle["total"], matches(bundle)) == (1, [booked])

    async def test_a_cancelled_appointment_frees_its_slot(self, subject: Subject) -> None:
        """A repeated cancellation changes nothing, and another key may book the slot.

        The old key returns the cancelled appointment.
        """
        [slot] = await subject.free()
        key = str(uuid4())
        booked = (await subject.book(slot, key)).json()
        first, second = await subject.cancel(booked), await subject.cancel(booked)
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json() == second.json()
        assert first.json()["status"] == "cancelled"
        assert first.json()["cancelationReason"]["coding"][0]["code"] == "PATIENT_HOLIDAY"
        assert first.json()["meta"]["versionId"] != booked["meta"]["versionId"]
        assert (await subject.book(slot)).status_code == 201
        repeated = await subject.book(slot, key)
        assert (repeated.status_code, repeated.json()["status"]) == (200, "cancelled")

    async def test_only_what_is_there_can_be_cancelled(self, subject: Subject) -> None:
        """A cancellation of an unknown appointment gets 404; any other change gets 422."""
        [slot] = await subject.free()
        booked = (await subject.book(slot)).json()
        assert problem(await subject.put({**booked, "status": "cancelled"}, "nowhere"))[0] in {404, 422}
        assert problem(await subject.put({**booked, "id": "nowhere", "status": "cancelled"}))[0] == 404
        assert problem(await subject.put({**booked, "status": "fulfilled"}))[0] == 422

    async def test_one_slot_has_one_booking(self, subject: Subject) -> None:
        """Of 50 concurrent bookings of one slot, one succeeds."""
        [slot] = await subject.free()
        replies = await _at_once([(slot, str(uuid4())) for _ in range(50)], subject)
        assert sorted(reply.status_code for reply in replies) == [201] + [409] * 49

    async def test_one_key_has_one_booking(self, subject: Subject) -> None:
        """Of 20 concurrent bookings with one key for several slots, one succeeds and the others return it."""
        slots, key = await subject.free(4), str(uuid4())
        replies = await _at_once([(slot, key) for slot in slots * 5], subject)
        assert sorted(reply.status_code for reply in replies) == [200] * 19 + [201]
        assert len({reply.json()["id"] for reply in replies}) == 1


def _updated(slot: Resource) -> datetime:
    return datetime.fromisoformat(slot["meta"]["lastUpdated"])


async def _pages(subject: Subject, first: Resource) -> list[Resource]:
    pages = [first]
    while (following := link(pages[-1], "next")) is not None:
        reply = await subject.get(following)
        assert reply.status_code == 200, reply.text
        pages.append(reply.json())
    return pages


async def _changed(subject: Subject, since: tuple[str, str]) -> dict[str, Any]:
    pages = await _pages(subject, await subject.search(since, ("_count", "500")))
    return {slot["id"]: slot for page in pages for slot in matches(page)}


async def _latest_change(subject: Subject) -> str:
    """Return the timestamp of the latest change, from a search for all changes ever made."""
    slots = await _changed(subject, ("_lastUpdated", "ge2000-01-01T00:00:00+00:00"))
    return max(slots.values(), key=_updated)["meta"]["lastUpdated"]


async def _at_once(wishes: list[tuple[Resource, str]], subject: Subject) -> list[httpx.Response]:
    replies: list[httpx.Response] = []

    async def attempt(slot: Resource, key: str) -> None:
        replies.append(await subject.book(slot, key))

    async with anyio.create_task_group() as group:
        for slot, key in wishes:
            group.start_soon(attempt, slot, key)
    return replies
