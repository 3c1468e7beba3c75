"""The registers of the administration API: each record is created, read, listed, replaced and ended."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Generator
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from openers.domain.administration.rights import Resource
from openers.testing import WorldOfTest
from openers.wire.admin.examples import EXAMPLES
from openers.wire.admin.translating import RECORDS
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
    CodeSet,
    CommissioningRule,
    Endpoint,
    NewWebhook,
    Organisation,
    PasLink,
    Patient,
    Person,
    RegisteredApplication,
    Service,
    Site,
    Webhook,
)
from openers_client.administration.sync import SyncAdministration
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
