"""The registers of the administration API: each record is created, read, listed, replaced and ended."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Generator
from datetime import date
from inspect import signature
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from openers.domain.administration.rights import Resource
from openers.testing import WorldOfTest
from openers.wire.admin.drafts import DraftRecord
from openers.wire.admin.examples import EXAMPLES
from openers.wire.admin.translating import RECORDS
from openers.wire.admin.visibility import PARAMETERS
from openers_client import (
    ErsClient,
    InvalidRequest,
    NotAllowed,
    NotFound,
    RetryPolicy,
    Role,
    SyncErsClient,
    VersionConflict,
)
from openers_client.administration import (
    Administration,
    Ages,
    CodeSet,
    CommissioningRule,
    ContactDetail,
    Difference,
    Draft,
    EndingRegister,
    Endpoint,
    MissingRecord,
    NewWebhook,
    Organisation,
    PasLink,
    Patient,
    Person,
    PutMany,
    Register,
    RegisteredApplication,
    Rules,
    Service,
    Services,
    Site,
    VisibilityQuestion,
    Webhook,
    Webhooks,
)
from openers_client.administration.sync import (
    SyncAdministration,
    SyncEndingRegister,
    SyncRegister,
    SyncServices,
    SyncWebhooks,
)
from tests.client.conftest import Waits
from tests.client.people import GP, USER_APP, Cast, application


class Row(NamedTuple):
    """The type of a resource's records, a change of the example, and what shows that a record has ended."""

    of: type[Any]
    change: dict[str, Any]
    ended: dict[str, Any]


ROWS: Final[dict[Resource, Row]] = {
    Resource.ORGANISATIONS: Row(Organisation, {"telephone": "0113 496 0009"}, {"closed_on": date(2099, 3, 31)}),
    Resource.SITES: Row(Site, {"name": "Moorland Infirmary"}, {"closed_on": date(2099, 3, 31)}),
    Resource.PEOPLE: Row(Person, {"workgroups": frozenset({"X26A/Cardiology", "X26A/Chest"})}, {"active": False}),
    Resource.APPLICATIONS: Row(RegisteredApplication, {"name": "New PAS"}, {"active": False}),
    Resource.CODE_SETS: Row(CodeSet, {"ended_specialties": frozenset({"2WW"})}, {"active": False}),
    Resource.SERVICES: Row(Service, {"appointment_wait_days": 12}, {"status": "WITHDRAWN"}),
    Resource.COMMISSIONING_RULES: Row(CommissioningRule, {"starts": date(2026, 5, 1)}, {"active": False}),
    Resource.PAS_LINKS: Row(PasLink, {"url": "https://pas2.moorland.example/fhir"}, {"active": False}),
    Resource.ENDPOINTS: Row(Endpoint, {"product": "Moor PAS"}, {"status": "revoked"}),
    Resource.PATIENTS: Row(Patient, {"died": date(2026, 1, 31)}, {}),
}
ORGANISATION: Final = Organisation(ods="X26B", name="Moorland Community", kind="PROVIDER", postcode="LS1 4AP")


@pytest.fixture
def ops(world: WorldOfTest) -> Generator[SyncAdministration]:
    """Provide the registers of a world for an application that may administer."""
    with SyncErsClient(world.base_url, headers=world.tenant) as client:
        yield client.administration(client.application_session(application("demo-ops")))


@pytest.fixture
async def registers(people: Cast) -> Administration:
    """Provide the same registers for asynchronous programs. Their client never really waits."""
    return people.client.administration(await people.client.application_session(application("demo-ops")))


def test_each_record_is_created_read_listed_replaced_and_ended(ops: SyncAdministration) -> None:
    ops.organisations.create(
        Organisation(ods="Q26", name="Moorland Commissioner", kind="COMMISSIONER", postcode="LS1 4AP")
    )
    for resource, row in ROWS.items():
        register = getattr(ops, resource.replace("-", "_"))
        first = msgspec.convert(EXAMPLES[resource], row.of)
        assert register.create(first, dry_run=True).change == "created"
        made = register.create(first)
        assert (made.version, made.change, made.value) == (1, "created", first), resource
        assert register.create(first).change == "unchanged"
        changed = dataclasses.replace(first, **row.change)
        replaced = register.replace(made, changed)
        assert (replaced.version, replaced.change, replaced.value) == (2, "replaced", changed), resource
        assert register.put(changed).change == "unchanged"
        assert register.read(made.key) == dataclasses.replace(replaced, change="")
        assert changed in [each.value for each in register.all(page_size=7)], resource
        with pytest.raises(VersionConflict):
            register.replace(made, first)
        assert register.put(first).version == 3
    for resource, row in reversed(ROWS.items()):
        if not row.ended:
            continue
        register = getattr(ops, resource.replace("-", "_"))
        before = register.read(next(iter(EXAMPLES[resource].values())))
        ended = register.end(before, row.ended.get("closed_on"))
        assert ended.value == dataclasses.replace(before.value, **row.ended), resource


def test_a_webhook_is_registered_and_removed(ops: SyncAdministration) -> None:
    made = ops.webhooks.register(**EXAMPLES[Resource.WEBHOOKS], since=0)
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)
    known = Webhook(id=made.id, url=made.url, sent=0)
    assert ops.webhooks.read(made.id).url == made.url
    assert [each.id for each in ops.webhooks.all()] == [known.id]
    ops.webhooks.remove(made.id)
    with pytest.raises(NotFound):
        ops.webhooks.read(made.id)


def test_errors_name_code_place_and_cure(ops: SyncAdministration, world: WorldOfTest) -> None:
    with pytest.raises(InvalidRequest, match=r"INVALID_RECORD at /organisation.*; ") as caught:
        ops.sites.create(Site(ods="X26B1", organisation="ZZZZ", name="Moor", postcode="LS1 4AP"))
    assert (caught.value.status, caught.value.code, caught.value.place) == (422, "INVALID_RECORD", "/organisation")
    assert caught.value.issues[0].cure
    assert caught.value.correlation_id
    with SyncErsClient(world.base_url, headers=world.tenant) as client:
        gp = client.administration(client.log_in_as(USER_APP, GP), Role("D82106", "REFERRING_CLINICIAN"))
        with pytest.raises(NotAllowed):
            next(gp.organisations.all())


def test_only_records_of_an_organisation_are_listed(ops: SyncAdministration) -> None:
    sites = list(ops.sites.all("RCD", page_size=1))
    assert len(sites) > 1
    assert {each.value.organisation for each in sites} == {"RCD"}
    first, cursor = ops.sites.page(None, "RCD", page_size=1)
    assert [each.key for each in first] == [sites[0].key]
    assert [each.key for each in ops.sites.page(cursor, "RCD", page_size=1)[0]] == [sites[1].key]


def test_many_records_are_put_at_once(ops: SyncAdministration) -> None:
    """In any order; each refused one is named, with the record that is missing."""
    board = Organisation(ods="Q27", name="Moor Board", kind="COMMISSIONER", postcode="LS1 4AP")
    surgery = Organisation(ods="X26C", name="Moor", kind="GP_PRACTICE", postcode="LS1 4AP", commissioner="Q27")
    lost = dataclasses.replace(surgery, ods="X26D", commissioner="Q28")
    rehearsed = ops.organisations.put_many([surgery, board], dry_run=True)
    assert rehearsed == PutMany(created=2, replaced=0, unchanged=0)
    with pytest.raises(NotFound):
        ops.organisations.read("X26C")
    done = ops.organisations.put_many([surgery, board, lost])
    assert (done.created, [each.index for each in done.refused]) == (2, [2])
    refused = done.refused[0]
    assert (refused.code, refused.place) == ("INVALID_RECORD", "/commissioner")
    assert refused.missing == MissingRecord("organisations", "Q28")
    assert refused.detail
    assert refused.cure
    assert ops.organisations.read("X26C").value == surgery
    changed = dataclasses.replace(surgery, name="Moor Surgery")
    assert ops.organisations.put_many([changed, board]) == PutMany(created=0, replaced=1, unchanged=1)


DRAFT: Final = Draft(
    name="Moor clinic",
    organisation="RCD",
    site="RCD01",
    workgroup="RCD/Cardiology",
    clinic_types=(("CARDIOLOGY", "HEART_FAILURE"),),
    flows=("APPOINTMENT_REQUEST",),
    appointment_type="FIRST_OUTPATIENT",
    priorities=frozenset({"ROUTINE"}),
    gender="MALE_AND_FEMALE",
    ages=Ages(lowest=16),
    commissioning=Rules(),
    contacts=(ContactDetail(for_patients=True, system="phone", value="0113 496 0001"),),
)


def test_a_service_is_defined_published_changed_and_ended(ops: SyncAdministration) -> None:
    """From the first draft to the last day, with what the service tells on the way."""
    services = ops.services
    assert services.create_draft(DRAFT, dry_run=True).change == "created"
    bare = services.create_draft(dataclasses.replace(DRAFT, flows=()))
    number = bare.key
    assert (bare.version, bare.change, bare.value.id) == (1, "created", number)
    found = services.check(number)
    assert (found.publishable, "REQUEST_TYPES" in {each.check for each in found.findings}) == (False, True)
    with pytest.raises(InvalidRequest, match="NOT_PUBLISHABLE") as caught:
        services.publish(number)
    assert caught.value.rejection.outcome["findings"]
    saved = services.save_draft(bare, DRAFT)
    assert (saved.version, saved.value) == (2, dataclasses.replace(DRAFT, id=number))
    with pytest.raises(VersionConflict):
        services.save_draft(bare, dataclasses.replace(DRAFT, exclusions="Some"))
    assert services.check(number).publishable
    with pytest.raises(VersionConflict):
        services.publish(number, bare)
    assert services.publish(number, saved, dry_run=True).change == "created"
    live = services.publish(number, saved)
    assert (live.version, live.change, live.value.name) == (1, "created", "Moor clinic")
    shown = services.visibility(number, VisibilityQuestion(organisation="D82106", priority="ROUTINE"))
    assert (shown.shown, shown.hidden_by, shown.name) == (True, None, "Moor clinic")
    hidden = services.visibility(number, VisibilityQuestion(organisation="D82106", priority="URGENT"))
    assert (hidden.shown, hidden.hidden_by) == (False, "PRIORITY")
    assert hidden.told
    kept = services.read_draft(number)
    pending = services.save_draft(kept, dataclasses.replace(kept.value, exclusions="None"))
    assert pending.key in {each.key for each in services.drafts("RCD", page_size=3)}
    assert services.differences(number) == (Difference(place="/exclusions", before=None, after="None"),)
    assert services.publish(number).version == 2
    assert services.versions(number) == (2, 1)
    assert services.version(number, 1).value == live.value
    assert [each.place for each in services.differences(number, 2, 1)] == ["/exclusions"]
    assert services.unpublish(number).value.status == "WITHDRAWN"
    assert services.publish(number).version == 3
    assert services.end_on(number, date(2099, 3, 31)).value.closes_on == date(2099, 3, 31)
    copied = services.copy(number, "Moor clinic, evenings")
    assert (copied.key != number, copied.value.exclusions, copied.change) == (True, "None", "created")
    assert services.discard_draft(copied.key).change == "removed"
    with pytest.raises(NotFound):
        services.read_draft(copied.key)


def test_a_service_is_polled(ops: SyncAdministration) -> None:
    """One with a PAS has slots; one without is refused."""
    linked = next(iter(ops.pas_links.all()))
    assert ops.services.poll(linked.key) >= 0
    seen = ops.services.visibility(linked.key, VisibilityQuestion(organisation="D82106"))
    assert any(each.shown for each in seen.slots)
    number = ops.services.create_draft(dataclasses.replace(DRAFT, name="Moor without a PAS")).key
    with pytest.raises(InvalidRequest, match="has no PAS"):
        ops.services.poll(number)


SYNCHRONOUS: Final[list[tuple[type[Any], type[Any]]]] = [
    (Register, SyncRegister),
    (EndingRegister, SyncEndingRegister),
    (Services, SyncServices),
    (Webhooks, SyncWebhooks),
]


@pytest.mark.parametrize(("waiting", "of"), [(sync, inner) for inner, sync in SYNCHRONOUS])
def test_programs_that_are_not_asynchronous_have_the_same_calls(waiting: type[Any], of: type[Any]) -> None:
    """With the same parameters and defaults."""
    names = {name for name in dir(of) if not name.startswith("_")}
    assert names == {name for name in dir(waiting) if not name.startswith("_")}
    for name in names:
        theirs, ours = signature(getattr(of, name)), signature(getattr(waiting, name))
        assert ours.parameters == theirs.parameters, name


class Losing:
    """A proxy that cuts the connection instead of passing on the reply to the first PUT."""

    def __init__(self, port: int) -> None:
        self._port, self.puts = port, 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        from_service, to_service = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._there(reader, to_service), self._back(from_service, writer))

    async def _there(self, reader: asyncio.StreamReader, to_service: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            self.puts += chunk.startswith(b"PUT ")
            to_service.write(chunk)
        to_service.close()

    async def _back(self, from_service: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (chunk := await from_service.read(65536)) and self.puts != 1:
            writer.write(chunk)
        writer.close()


@pytest.mark.anyio
async def test_a_change_whose_reply_is_lost_is_made_once(world: WorldOfTest, waits: Waits) -> None:
    """The second request has the idempotency key of the first one."""
    proxy = Losing(int(world.base_url.rpartition(":")[2]))
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = ErsClient(address, issuer=world.base_url, headers=world.tenant, retry=RetryPolicy(sleep=waits))
    async with server, client:
        ops = client.administration(await client.application_session(application("demo-ops")))
        made = await ops.organisations.create(ORGANISATION)
    assert (proxy.puts, made.version, made.change) == (2, 1, "created")
    assert waits.seconds == [1]


@pytest.mark.anyio
async def test_what_the_client_does_not_know_of_a_record_stays(registers: Administration) -> None:
    """A newer service may have more values: a change sends them back as they came."""
    made = await registers.organisations.create(ORGANISATION)
    newer = dataclasses.replace(made, resource={**made.resource, "colour": "blue"})
    with pytest.raises(InvalidRequest, match="colour"):
        await registers.organisations.replace(newer, dataclasses.replace(ORGANISATION, name="Moor"))


@pytest.mark.parametrize("resource", RECORDS)
def test_the_records_have_the_values_and_defaults_of_the_api(resource: Resource) -> None:
    of, wire = {**{each: row.of for each, row in ROWS.items()}, Resource.WEBHOOKS: Webhook}[resource], RECORDS[resource]
    assert [each.name for each in dataclasses.fields(of)] == list(wire.__struct_fields__)
    example = {"id": "1", "url": "http://a", "sent": 1} if of is Webhook else EXAMPLES[resource]
    ours, theirs = dataclasses.asdict(msgspec.convert(example, of)), msgspec.convert(example, wire)
    assert msgspec.to_builtins(ours, order="sorted") == msgspec.to_builtins(theirs, order="sorted")
    assert [each.name for each in dataclasses.fields(NewWebhook)][-1] == "secret"


def test_drafts_have_the_values_and_defaults_of_the_api() -> None:
    assert [each.name for each in dataclasses.fields(Draft)] == list(DraftRecord.__struct_fields__)
    needed = {"name": "A", "organisation": "RCD", "site": "RCD01"}
    ours, theirs = dataclasses.asdict(msgspec.convert(needed, Draft)), msgspec.convert(needed, DraftRecord)
    assert msgspec.to_builtins(ours, order="sorted") == msgspec.to_builtins(theirs, order="sorted")
    assert [each.name for each in dataclasses.fields(VisibilityQuestion)] == list(PARAMETERS)
