"""The report on the last poll of a service: what the PAS sent, what became of it, and nothing about patients."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from openers.domain.errors import PasRefused, PasSilent
from openers.domain.identifiers import ServiceId
from openers.domain.services.poll_report import (
    LONGEST_ROW_BYTES,
    LONGEST_TEXT,
    MASKED,
    MOST_ITEMS,
    MOST_ROWS,
    masked,
    rows_of,
)
from openers.domain.slots import Became, PolledSlot
from openers.pas.fhir import CLINICIAN, PRIORITY, SERVICE, USRN, read_slot_page
from openers.pas.fhir import LONGEST_ROW_BYTES as HELD_BYTES
from tests.kit.referrals.rig import SERVICE as CLINIC
from tests.kit.referrals.rig import Rig, rig
from tests.kit.service.administration import ADMIN, administered, administrator

pytestmark = pytest.mark.anyio
START = datetime(2031, 3, 3, 9, tzinfo=UTC)
PATIENT = "WALTER HARTLEY"
SLOT: dict[str, Any] = {
    "resourceType": "Slot",
    "id": "s-1",
    "meta": {"lastUpdated": "2031-03-01T09:00:00Z"},
    "text": {"status": "generated", "div": f"<div>{PATIENT}</div>"},
    "identifier": [{"system": USRN, "value": "USRN 1", "assigner": {"display": PATIENT}}],
    "schedule": {"reference": "Schedule/1", "display": PATIENT},
    "status": "busy",
    "start": START.isoformat(),
    "end": (START + timedelta(minutes=30)).isoformat(),
    "serviceType": [{"coding": [{"system": PRIORITY, "code": "URGENT", "display": PATIENT}], "text": PATIENT}],
    "comment": f"{PATIENT}, 991 200 3888",
    "extension": [[[[{"valueString": PATIENT}]]]],
}


def _page(*slots: dict[str, Any]) -> bytes:
    actor = [
        {"identifier": {"system": SERVICE, "value": CLINIC}},
        {"identifier": {"system": CLINICIAN, "value": "1" * 12}},
    ]
    schedule = {"resourceType": "Schedule", "id": "1", "actor": actor}
    entries = [{"resource": each} for each in (slots[0], schedule, *slots[1:])]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()


def test_a_row_shows_the_contract_and_masks_all_else() -> None:
    """Elements of the contract are as they came; of others the name is left. Ten digits are masked anywhere."""
    identified = {**SLOT, "id": "s-2", "identifier": [{"system": USRN, "value": "for 9912003888"}]}
    first, second, third = read_slot_page(_page(SLOT, identified, {**SLOT, "id": "s-3"}), ServiceId(CLINIC), 2).slots
    shown = masked(first)
    assert shown == {
        **{name: SLOT[name] for name in ("resourceType", "id", "status", "start", "end")},
        **dict.fromkeys(("meta", "text", "comment", "extension"), MASKED),
        "identifier": [{"system": USRN, "value": "USRN 1", "assigner": MASKED}],
        "schedule": {"reference": "Schedule/1", "display": MASKED},
        "serviceType": [
            {"coding": [{"system": PRIORITY, "code": "URGENT", "display": MASKED}], "text": MASKED},
        ],
    }
    assert PATIENT not in json.dumps(shown)
    assert masked(second)["identifier"] == [{"system": USRN, "value": f"for {MASKED}"}]
    assert third.sent == b"", "only the first rows are kept as they came"
    assert masked(third) == {name: SLOT[name] for name in ("status", "start", "end")} | {"id": "s-3"}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("for 9912003888", f"for {MASKED}"),
        ("for 991 200 3888.", f"for {MASKED}."),
        ("for 991-200-3888", f"for {MASKED}"),
        (f"{'x' * (LONGEST_TEXT - 5)}9912003888", "x" * (LONGEST_TEXT - 5)),
        (f"{'x' * (LONGEST_TEXT - 5)}991 200 3888", "x" * (LONGEST_TEXT - 5)),
        ("1234 5678 9012", "1234 5678 9012"),
    ],
)
def test_no_number_of_a_patient_is_kept(sent: str, shown: str) -> None:
    """However it is grouped, and also where a long text is cut, it is masked; a UBRN stays."""
    slot = msgspec.structs.replace(_slot("s-1"), sent=json.dumps({**SLOT, "schedule": {"reference": sent}}).encode())
    assert masked(slot)["schedule"] == {"reference": shown}


@pytest.mark.parametrize("value", [b"1e999", b'[{"deep": -1e999}]'])
def test_an_element_that_cannot_be_read_does_not_fail_a_poll(value: bytes) -> None:
    """Beside the contract it is masked; within it the report has what was read of the slot."""
    beside = _page(SLOT).replace(b'"extension": [[[[', b'"extension": ' + value + b', "x": [[[[', 1)
    within = _page(SLOT).replace(b'"serviceType": [{', b'"serviceType": [{"extension": ' + value + b", ", 1)
    (slot,), (other,) = (read_slot_page(each, ServiceId(CLINIC), 1).slots for each in (beside, within))
    assert (masked(slot)["extension"], masked(slot)["schedule"]["reference"]) == (MASKED, "Schedule/1")
    assert masked(other) == {name: SLOT[name] for name in ("id", "status", "start", "end")}


@pytest.mark.parametrize(
    "long",
    [
        {"schedule": {"reference": "x" * 10_000 + "/Schedule/1"}, **{f"name {number}": 1 for number in range(1000)}},
        {"serviceType": SLOT["serviceType"] * 1000},
        {"serviceType": [{"coding": [{f"{number:02}{'n' * 300}": 1 for number in range(20)}] * 20}] * 20},
        {"serviceType": [{"coding": [{f"{number:02}{'n' * 300}": 1 for number in range(10)}] * 4}]},
    ],
    ids=["names", "one list", "all levels", "a row that is held"],
)
def test_a_report_is_bounded(long: dict[str, Any]) -> None:
    """A long row is cut, and a very long one is not even held; of a row that is still long what was read is kept."""
    (slot,) = read_slot_page(_page({**SLOT, **long}), ServiceId(CLINIC), 1).slots
    assert len(slot.sent) <= HELD_BYTES
    shown = masked(slot)
    assert len(json.dumps(shown, separators=(",", ":"))) <= LONGEST_ROW_BYTES
    assert shown["id"] == "s-1"


def test_a_row_is_cut_and_those_that_changed_something_come_first() -> None:
    """Texts, lists and names of a row are cut; of many rows those that changed something are kept."""
    many = {**SLOT, "schedule": {"reference": "x" * 10_000 + "/Schedule/1"}, "serviceType": SLOT["serviceType"] * 21}
    many = {f"name {number}": 1 for number in range(MOST_ITEMS - len(SLOT) + 1)} | many
    del many["extension"]
    (slot,) = read_slot_page(_page(many | {"extension": 1}), ServiceId(CLINIC), 1).slots
    shown = masked(slot)
    assert (len(shown["schedule"]["reference"]), len(shown["serviceType"])) == (LONGEST_TEXT, MOST_ITEMS)
    assert (len(shown), "extension" in shown) == (MOST_ITEMS, False)
    slots = [_slot(str(number)) for number in range(3 * MOST_ROWS)]
    became = dict.fromkeys((each.pas_id for each in slots), Became.UNCHANGED) | {"149": Became.ADDED}
    rows = rows_of(slots, became)
    assert (len(rows), rows[0].became, rows[0].sent["id"]) == (MOST_ROWS, Became.ADDED, "149")


def _slot(key: str) -> PolledSlot:
    return PolledSlot(pas_id=key, usrn=key, start=START, end=START, priorities=frozenset())


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with a PAS and administrators."""
    async with rig(shared_url, keys) as made:
        await administered(made.run)
        yield made


async def _report(client: httpx.AsyncClient) -> dict[str, Any]:
    reply = await client.get(f"{ADMIN}/services/{CLINIC}/last-poll")
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


async def test_a_definer_sees_what_became_of_each_row(desk: Rig) -> None:
    """New, changed, unchanged, gone, kept and ignored rows are told; a failed poll leaves its reason."""
    client = await administrator(desk.run, "SERVICE_DEFINER")
    never = await client.get(f"{ADMIN}/services/{CLINIC}/last-poll")
    assert (never.status_code, never.json()["code"]) == (404, "NO_SUCH_RECORD")
    await desk.add_slots(5)
    first = await _report(client)
    assert (first["sent"], first["changed"], first["vanished"], first["since"]) == (5, 5, 0, None)
    assert {each["became"] for each in first["rows"]} == {"ADDED"}
    assert first["rows"][0]["sent"]["meta"] == MASKED
    key = [f"{CLINIC}-any-{number}" for number in range(6)]
    assert (await desk.book(await desk.refer(), (await desk.free())[0])).status_code == 201
    desk.pas.slots[key[1]]["end"] = desk.pas.slots[key[2]]["end"]
    desk.pas.mark(key[1], "free")
    desk.pas.mark(key[2], "busy")
    desk.pas.slots[key[5]] = {**desk.pas.slots[key[2]], "id": key[5]}
    assert await desk.poll() == 2
    told = await _report(client)
    assert {each["sent"]["id"]: each["became"] for each in told["rows"]} == dict(
        zip(key, ("KEPT", "CHANGED", "GONE", "UNCHANGED", "UNCHANGED", "IGNORED"), strict=True)
    )
    assert told["since"] is not None
    async with desk.world.begin("arrange") as tx:
        await tx.links.forget_polled(ServiceId(CLINIC))
    del desk.pas.slots[key[3]]
    assert await desk.poll() == 1
    assert (await _report(client))["vanished"] == 1
    desk.pas.fault = "garbage"
    with pytest.raises((PasSilent, PasRefused)):
        await desk.poll()
    desk.pas.fault = ""
    failed = await _report(client)
    assert (failed["sent"], failed["rows"], bool(failed["problem"])) == (0, [], True)
    commissioner = await administrator(desk.run, "COMMISSIONER")
    assert (await commissioner.get(f"{ADMIN}/services/{CLINIC}/last-poll")).status_code == 403
