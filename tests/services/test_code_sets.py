"""Dated code sets: what they change on which day, what they must satisfy, and which services have old codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from openers.domain.codes import CodeSystem, CodeSystemName
from openers.domain.errors import Unavailable
from openers.domain.services.code_sets import (
    ClinicTypeCode,
    CodeSet,
    Mapped,
    SpecialtyCode,
    clinic_types,
    faults,
    new_pairs,
    specialties,
)
from openers.reference import PackagedReference
from openers.reference.tables import read_clinical_terms
from openers.usecases.administration import code_sets
from openers.usecases.dated_reference import DatedReference, follow_code_sets
from tests.kit.service.administration import ADMIN, administrator, draft
from tests.kit.service.requests import coding, criteria, search, specialty
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio
SETS, SERVICES = f"{ADMIN}/code-sets", f"{ADMIN}/services"
SHIPPED = PackagedReference()
SYSTEMS = (SHIPPED.code_system(CodeSystemName.SPECIALTY), SHIPPED.code_system(CodeSystemName.CLINIC_TYPE))
OLD, NEW = ("CARDIOLOGY", "ARRHYTHMIA"), ("HEART", "HEART_RHYTHM")
DAY = date(2031, 6, 23)
SET = CodeSet(
    starts=DAY,
    specialties=(SpecialtyCode("HEART", "Heart medicine"),),
    clinic_types=(ClinicTypeCode("HEART_RHYTHM", "Heart rhythm", ("HEART",)),),
    ended_clinic_types=frozenset({"ARRHYTHMIA"}),
    mapping=(Mapped(OLD, (NEW,)),),
)
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("/specialties/1/code", {"specialties": (*SET.specialties, *SET.specialties)}),
    ("/clinic_types/1/code", {"clinic_types": (*SET.clinic_types, *SET.clinic_types)}),
    ("/clinic_types/0/specialties", {"clinic_types": (ClinicTypeCode("HEART_RHYTHM", "x", ("NONE",)),), "mapping": ()}),
    ("/ended_specialties", {"ended_specialties": frozenset({"NONE"})}),
    ("/ended_clinic_types", {"ended_clinic_types": frozenset({"NONE"})}),
    ("/ended_clinic_types", {"ended_clinic_types": frozenset({"HEART_RHYTHM"}), "mapping": ()}),
    ("/mapping/1/old", {"mapping": (*SET.mapping, *SET.mapping)}),
    ("/mapping/0/old", {"mapping": (Mapped(("CARDIOLOGY", "NONE"), (NEW,)),)}),
    ("/mapping/0/new/0", {"mapping": (Mapped(OLD, (OLD,)),)}),
    ("/mapping/0/new/1", {"mapping": (Mapped(OLD, (NEW, ("CARDIOLOGY", "HEART_RHYTHM"))),)}),
]


@pytest.mark.parametrize(("place", "changes"), FAULTS)
def test_a_set_that_does_not_fit_is_refused_at_its_place(place: str, changes: dict[str, Any]) -> None:
    """A set that fits has one fault after one change."""
    assert list(faults(SET, SYSTEMS)) == []
    assert [found for _, found, _ in faults(msgspec.structs.replace(SET, **changes), SYSTEMS)] == [place]


def test_a_set_adds_renames_ends_and_begins_codes_again() -> None:
    """Codes keep the day on which they began; one that has ended begins again; nothing is removed."""
    start = datetime(2031, 6, 23, tzinfo=UTC)
    changed = clinic_types(SYSTEMS[1], [SET])
    assert changed.concepts.keys() == {*SYSTEMS[1].concepts, "HEART_RHYTHM"}
    assert (changed.changed, changed.concepts["HEART_RHYTHM"].effective_from) == (start, start)
    assert changed.concepts["HEART_RHYTHM"].values("specialty") == ("HEART",)
    assert changed.concepts["ARRHYTHMIA"] == msgspec.structs.replace(
        SYSTEMS[1].concepts["ARRHYTHMIA"], effective_to=start
    )
    known = SYSTEMS[0].concepts["CARDIOLOGY"]
    renamed = CodeSet(starts=DAY, specialties=(SpecialtyCode("CARDIOLOGY", "Heart"),))
    again = CodeSet(starts=DAY + timedelta(1), clinic_types=(ClinicTypeCode("ARRHYTHMIA", "Back", ("CARDIOLOGY",)),))
    assert specialties(SYSTEMS[0], [renamed]).concepts["CARDIOLOGY"] == msgspec.structs.replace(known, display="Heart")
    back = clinic_types(SYSTEMS[1], [SET, again]).concepts["ARRHYTHMIA"]
    assert (back.effective_from, back.effective_to) == (start + timedelta(1), None)
    later = CodeSet(starts=DAY + timedelta(1), ended_clinic_types=frozenset({"ARRHYTHMIA"}))
    assert clinic_types(SYSTEMS[1], [SET, later]).concepts["ARRHYTHMIA"].effective_to == start


class _Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.day = DAY

    def now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)


def test_the_set_in_force_follows_the_day() -> None:
    """Before its day nothing changes; from it on the new codes are there, and clinical terms lead to them too."""
    clock = _Clock()
    term = next(each for each in read_clinical_terms() if OLD in each.leads_to)
    dated = DatedReference(SHIPPED, clock, (SET,))
    for day, is_there in ((DAY - timedelta(1), False), (DAY, True), (DAY + timedelta(1), True), (DAY, True)):
        clock.day = day
        system = dated.code_system(CodeSystemName.CLINIC_TYPE)
        assert ("HEART_RHYTHM" in system.concepts, system.concepts["ARRHYTHMIA"].effective_to is None) == (
            is_there,
            not is_there,
        )
        assert dated.code_system(CodeSystemName.CLINIC_TYPE) is system, "built once a day"
        found = dated.clinical_term(term.code)
        assert found is not None
        assert (NEW in found.leads_to) is is_there
    assert dated.code_system(CodeSystemName.PRIORITY) is SHIPPED.code_system(CodeSystemName.PRIORITY)
    other = DatedReference(SHIPPED, clock)
    assert other.code_system(CodeSystemName.CLINIC_TYPE) is SYSTEMS[1], "without sets it is what ships"


async def _codes(run: Running, name: str) -> dict[str, Any]:
    """Return the codes that A004 serves, and its date under an empty code."""
    reply = await (await run.as_person(GP)).get(f"/STU3/CodeSystem/{name}")
    assert reply.status_code == 200, reply.text
    shown = reply.json()
    return {each["code"]: each["display"] for each in shown["concept"]} | {"": shown["date"]}


def _set(day: date, **changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {**msgspec.to_builtins(SET), "starts": str(day), **changes}
    return record


async def _put(client: httpx.AsyncClient, record: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.put(f"{SETS}/{record['starts']}", json=record, headers=headers)


def _criteria(pair: tuple[str, str]) -> dict[str, Any]:
    return criteria(specialty(pair[0]), coding("clinicType", "ClinicType", pair[1]), priority="ROUTINE")


async def _old_codes(client: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cursor: dict[str, str] = {}
    while True:
        reply = await client.get(f"{SERVICES}/old-codes", params={"limit": 50, **query, **cursor})
        assert reply.status_code == 200, reply.text
        found |= {each["service"]: each for each in reply.json()["items"]}
        if reply.json()["next"] is None:
            return found
        cursor = {"cursor": reply.json()["next"]}


async def test_a_set_is_in_force_from_its_day_on(served: Running) -> None:
    """A004 serves the set of the day, at once; services with old codes are told, and cannot be published anew.

    A set that is in force keeps its codes and does not end; one that has not started can end.
    """
    client, today = await administrator(served), served.service.world.clock.now().date()
    saved = await client.post(SERVICES, json=draft("Rhythm clinic", clinic_types=[list(OLD)]))
    number = saved.json()["id"]
    assert (await client.post(f"{SERVICES}/{number}/publish")).status_code == 201
    before = {name: await _codes(served, name) for name in ("SPECIALTY", "CLINIC-TYPE", "PRIORITY")}
    tomorrow = today + timedelta(1)
    assert (await _put(client, _set(tomorrow))).status_code == 201
    assert {name: await _codes(served, name) for name in before} == before
    assert number not in await _old_codes(client)
    waits = (await _old_codes(client, on=str(tomorrow)))[number]
    assert waits["pairs"] == [{"pair": list(OLD), "mapped": True, "new": [list(NEW)]}]
    assert (await client.delete(f"{SETS}/{tomorrow}", headers={"If-Match": "*"})).json()["active"] is False

    assert (await _put(client, _set(today, mapping=[]))).status_code == 201
    after = await _codes(served, "CLINIC-TYPE")
    assert (after["HEART_RHYTHM"], after[""]) == ("Heart rhythm", f"{today}T00:00:00.000Z")
    assert "HEART" in await _codes(served, "SPECIALTY")
    assert await _codes(served, "PRIORITY") == before["PRIORITY"]
    unmapped = (await _old_codes(client))[number]
    assert unmapped["pairs"] == [{"pair": list(OLD), "mapped": False, "new": []}]
    renamed = _set(today, clinic_types=[{"code": "HEART_RHYTHM", "display": "Rhythm", "specialties": ["HEART"]}])
    assert (await _put(client, renamed, **{"If-Match": '"1"'})).headers["etag"] == '"2"'
    assert (await _codes(served, "CLINIC-TYPE"))["HEART_RHYTHM"] == "Rhythm"
    assert (await _old_codes(client))[number]["pairs"][0]["new"] == [list(NEW)]

    refused = await client.post(f"{SERVICES}/{number}/publish")
    assert (refused.status_code, refused.json()["findings"][0]["check"]) == (422, "CLINIC_TYPES")
    known = (await client.get(f"{SERVICES}/{number}/draft")).json() | {"clinic_types": [list(NEW)]}
    assert (await client.put(f"{SERVICES}/{number}/draft", json=known, headers={"If-Match": "*"})).is_success
    assert (await client.post(f"{SERVICES}/{number}/publish")).status_code == 200
    assert number not in await _old_codes(client)
    gp = await served.as_person(GP)
    found = await gp.post(**search(of=_criteria(NEW)))
    assert found.status_code == 200, found.text
    assert number in {each["item"]["identifier"]["value"] for each in found.json()["entry"]}
    old = await gp.post(**search(of=_criteria(OLD)))
    assert old.status_code == 422, old.text

    for record in (_set(today, clinic_types=[], mapping=[]), _set(today, active=False)):
        lost = await _put(client, record, **{"If-Match": "*"})
        assert lost.status_code == 422, lost.text
    ended = await client.delete(f"{SETS}/{today}", headers={"If-Match": "*"})
    assert (ended.status_code, ended.json()["code"]) == (422, "NOT_ENDABLE")
    builds = CodeSet(starts=tomorrow + timedelta(1), mapping=(Mapped(NEW, ()),), ended_clinic_types=frozenset({NEW[1]}))
    assert (
        await _put(client, _set(tomorrow, specialties=[{"code": "X", "display": "X"}]), **{"If-Match": "*"})
    ).is_success
    more: dict[str, Any] = msgspec.to_builtins(builds)
    more["clinic_types"] = [{"code": "XX", "display": "XX", "specialties": ["X"]}]
    assert (await _put(client, more)).status_code == 201
    held = await client.delete(f"{SETS}/{tomorrow}", headers={"If-Match": "*"})
    assert (held.status_code, held.json()["place"]) == (422, "/starts"), held.text


class Counted(tuple[Mapped, ...]):
    """Rows of a mapping, and how often they are read."""

    readings = 0

    def __iter__(self) -> Iterator[Mapped]:
        """Count, and read."""
        self.readings += 1
        return super().__iter__()


def test_a_mapping_is_read_once_a_day_and_not_for_each_look_up() -> None:
    """A mapping may have 10,000 rows, and every search looks up a term."""
    term = next(each for each in read_clinical_terms() if OLD in each.leads_to)
    rows = Counted(SET.mapping)
    dated = DatedReference(SHIPPED, _Clock(), (msgspec.structs.replace(SET, mapping=rows),))
    found = [dated.clinical_term(term.code) for _ in range(50)]
    assert all(each is not None and NEW in each.leads_to for each in found)
    assert rows.readings <= 2
    again = CodeSet(starts=DAY + timedelta(1), mapping=(Mapped(OLD, ()), Mapped(NEW, (OLD,))))
    assert new_pairs([SET, again]) == {OLD: (), NEW: (OLD,)}, "the latest mapping counts"


async def test_another_process_follows_the_sets(served: Running) -> None:
    """A process that did not make the change reads the sets again once a second, and only if one has changed."""
    client, world = await administrator(served), served.service.world
    other = DatedReference(SHIPPED, world.clock)
    await follow_code_sets(other, world.store)
    day = world.clock.now().date() - timedelta(400)
    record = {"starts": str(day), "specialties": [{"code": "EARLIER", "display": "Earlier"}]}
    assert (await _put(client, record)).status_code == 201
    assert "EARLIER" not in other.code_system(CodeSystemName.SPECIALTY).concepts
    await follow_code_sets(other, world.store)
    system = other.code_system(CodeSystemName.SPECIALTY)
    assert "EARLIER" in system.concepts
    await follow_code_sets(other, world.store)
    assert other.code_system(CodeSystemName.SPECIALTY) is system


async def test_a_change_that_is_stored_is_not_refused_when_the_sets_cannot_be_read(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is lost after the commit: the reply is that of the change, and the process follows later."""

    async def _lost(*_: object) -> None:
        raise Unavailable("database")

    client, world = await administrator(served), served.service.world
    record = _one(world.clock.now().date() - timedelta(500), "STORED")
    with monkeypatch.context() as patch:
        patch.setattr(DatedReference, "follow", _lost)
        assert (await _put(client, record)).status_code == 201
        many = {"records": [_one(world.clock.now().date() - timedelta(501), "STORED_TOO")]}
        assert (await client.post(f"{SETS}/$batch", json=many)).json()["created"] == 1
    await follow_code_sets(world.reference, world.store)
    assert {"STORED", "STORED_TOO"} <= (await _codes(served, "SPECIALTY")).keys()


def _one(day: date, code: str) -> dict[str, Any]:
    """Return a set that adds a specialty."""
    return {"starts": str(day), "specialties": [{"code": code, "display": code}]}


async def test_later_sets_are_checked_in_one_pass(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each set is applied a few times for a change, however many there are."""
    client, first, applied = await administrator(served), date(2040, 1, 1), list[CodeSet]()
    for number in range(1, 13):
        assert (await _put(client, _one(first + timedelta(number), f"PASS_{number}"))).status_code == 201
    async with served.service.world.read() as tx:
        number_of_sets = len(await tx.registers.code_sets.active())

    def _counted(system: CodeSystem, sets: Iterable[CodeSet]) -> CodeSystem:
        applied.extend(given := list(sets))
        return specialties(system, given)

    monkeypatch.setattr(code_sets, "specialties", _counted)
    assert (await _put(client, _one(first, "PASS_0"))).status_code == 201
    assert len(applied) <= 2 * number_of_sets + 2


async def test_the_number_of_sets_is_limited(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps all of them. Those that exist can still be changed."""
    client, known = await administrator(served), _one(date(2042, 1, 1), "LIMIT_A")
    assert (await _put(client, known)).status_code == 201
    async with served.service.world.read() as tx:
        monkeypatch.setattr(code_sets, "MOST_SETS", len(await tx.registers.code_sets.active()))
    refused = await _put(client, _one(date(2042, 1, 2), "LIMIT_B"))
    assert (refused.status_code, refused.json()["place"]) == (422, "/starts"), refused.text
    assert (await client.get(f"{SETS}/2042-01-02")).status_code == 404
    changed = {**known, "specialties": [{"code": "LIMIT_A", "display": "Changed"}]}
    assert (await _put(client, changed, **{"If-Match": "*"})).status_code == 200


async def test_sets_of_one_request_are_checked_against_one_another(served: Running) -> None:
    """In the order of their days, whatever their order in the request."""
    client = await administrator(served)
    gone = ["CARDIOLOGY", "HEART_FAILURE"]
    ends = {"starts": "2043-01-01", "ended_clinic_types": gone[1:]}
    builds = {"starts": "2043-01-02", "mapping": [{"old": list(OLD), "new": [gone]}]}
    told = (await client.post(f"{SETS}/$batch", json={"records": [builds, ends]})).json()
    assert (told["created"], [(each["index"], each["place"]) for each in told["refused"]]) == (
        1,
        [(0, "/mapping/0/new/0")],
    ), told
