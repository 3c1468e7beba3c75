"""Test packs: the same for the same seed, made once, put back, and odd patients that provoke what their labels say."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree
from zipfile import ZipFile

import httpx
import pytest

from openers.testing import TestedService
from openers_client import Application, log_in
from openers_portal.environment import Environment
from openers_portal.packing import finish_pack, finish_packs
from openers_portal.rules import packs
from openers_portal.rules.packs import MOST_OF_PARTNER, Pack
from openers_portal.settings import EnvironmentSettings
from openers_portal.store.packs import PackState, SeedTaken, TooManyPacks
from openers_portal.store.portal_store import PortalStore
from tests.kit.service.requests import create_referral, identifier
from tests.kit.web.walker import Walker
from tests.portal.conftest import GP, Enter, register

NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
SEED: Final = 4320
NHS_NUMBER: Final = "http://fhir.nhs.net/Id/nhs-number"


def test_a_seed_makes_the_same_pack_and_no_two_packs_meet() -> None:
    assert packs.records(7) == packs.records(7)
    keys = [{(each.resource, each.key) for each in packs.records(seed)} for seed in (1, 2, 3, 4998, 4999)]
    assert all(len(each) == 2 + 2 + 150 + 12 + 5 for each in keys)
    assert len(set[tuple[str, str]]().union(*keys)) == sum(map(len, keys))
    assert all(len(packs.patients(seed)) == packs.PATIENTS for seed in packs.SEEDS)


def test_a_pack_is_made_downloaded_and_put_back(enter: Enter, tested: TestedService) -> None:
    person = enter(GP)
    path = register(person, "Pack Systems", "X26PK")
    person.follow("Test packs")
    person.follow("Make a test pack")
    person.send("Make the pack", environment="DEV1", seed=str(SEED))
    assert "The pack is made." in person.text
    pack = person.path
    other = f"{path}/packs/new"
    person.go(other)
    person.send("Make the pack", environment="DEV1", seed=str(SEED))
    assert "DEV1 has a pack of this number" in person.text
    assert len(_sheet(person, pack, "Patients")) == 151
    odd = {row[0]: row[-1] for row in _sheet(person, pack, "Patients")[1:] if row[-1]}
    token = log_in(tested.base_url, packs.people(SEED)[0]["id"], _application()).access_token
    headers = {"Authorization": f"Bearer {token}", "NHSD-End-User-Organisation-ODS": packs.practice(SEED)}
    headers |= {"NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    usual = next(each["nhs_number"] for each in packs.patients(SEED) if each["nhs_number"] not in odd)
    for number, label in {usual: "", **odd}.items():
        sent: Any = create_referral(
            identifier("patient", NHS_NUMBER, number), services=(packs.services(SEED)[2]["id"],)
        )
        url = f"{tested.base_url}/referrals/FHIR{sent['url']}"
        reply = httpx.post(url, json=sent["json"], headers={**headers, **sent["headers"]})
        assert reply.status_code == (422 if label else 201), (number, reply.text)
        assert label.partition(" ")[0] in reply.text
    person.go(f"{pack}/postman-environment.json")
    values = {each["key"]: each["value"] for each in person.reply.json()["values"]}
    assert (values["nhs_number"], values["practice"]) == (usual, packs.practice(SEED))
    person.go(f"{pack}/http-client.env.json")
    assert person.reply.json()[f"pack-{SEED}"] == values
    person.go(f"{pack}/pack.json")
    told = person.reply.json()
    assert (len(told["patients"]), len(told["people"]), len(told["odd_patients"])) == (150, 12, 8)
    person.go(f"{pack}/other.json")
    assert person.reply.status_code == 404
    person.go(pack)
    person.send("Put the pack back")
    assert "The pack is as it was made." in person.text


def _application() -> Application:
    return Application("demo-user-app", secret="published-secret-of-demo-user-app")


def _sheet(person: Walker, pack: str, name: str) -> list[list[str]]:
    """Return the rows of a sheet of the download."""
    person.go(f"{pack}/pack.xlsx")
    with ZipFile(io.BytesIO(person.reply.content)) as parts:
        names = [each.attrib["name"] for each in ElementTree.fromstring(parts.read("xl/workbook.xml"))[0]]
        sheet = ElementTree.fromstring(parts.read(f"xl/worksheets/sheet{names.index(name) + 1}.xml"))
    return [["".join(cell.itertext()) for cell in row] for row in sheet[0]]


@pytest.mark.parametrize(
    ("change", "error"),
    [({"seed": each}, "Enter a number from 1 to 4999") for each in ("", "0", "5000", "1.5", "²", "9" * 5000)]
    + [({"environment": "LIVE"}, "Choose the environment")],
)
def test_a_wrong_form_names_its_field(enter: Enter, change: dict[str, str], error: str) -> None:
    person = enter(GP)
    person.go("/partners")
    if "Wrong Packs" not in person.text:
        register(person, "Wrong Packs", "X26PW")
        person.go("/partners")
    person.follow("Wrong Packs")
    person.follow("Test packs")
    person.follow("Make a test pack")
    person.send("Make the pack", **{"environment": "DEV1", "seed": "1", **change})
    assert person.reply.status_code == 422
    assert error in person.text


@pytest.fixture
async def store(empty_url: str) -> AsyncGenerator[PortalStore]:
    """Provide a migrated store."""
    made = PortalStore(empty_url, (), lambda: NOW)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def environment(portal_environment: EnvironmentSettings) -> AsyncGenerator[Environment]:
    """Provide the service as an environment."""
    made = Environment(portal_environment)
    yield made
    await made.close()


class _Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.anyio
async def test_a_pack_is_finished_after_a_stop_and_put_back(
    store: PortalStore, environment: Environment, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    seed = 4400 + ("postgres" in request.node.name)  # another one for each database
    stored = await store.packs.ask("p", Pack(environment="DEV1", seed=seed))
    real, count = environment.create, [0]

    async def _stop(*told: Any) -> None:
        await real(*told)
        count[0] += 1
        if count[0] == 20:
            raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(environment, "create", _stop)
        with pytest.raises(_Killed):
            await finish_pack(stored, store, environment)
    await finish_packs(store, {"DEV1": environment})
    (made,) = await store.packs.of_partner("p")
    assert (made.state, made.pack.made) == (PackState.MADE, True)
    for each in packs.records(seed):
        present = await environment.read(each.resource, each.key)
        assert present is not None, each
        assert present.version == '"1"'
    changed = packs.patients(seed)[3]
    await environment.put("patients", changed["nhs_number"], {**changed, "family_name": "Changed"})
    await store.packs.set(made.id, PackState.WAITING, made.pack)
    await finish_packs(store, {"DEV1": environment})
    present = await environment.read("patients", changed["nhs_number"])
    assert present is not None
    assert present.record["family_name"] == changed["family_name"]


@pytest.mark.anyio
async def test_a_pack_never_replaces_what_another_one_made(store: PortalStore, environment: Environment) -> None:
    taken = packs.practice(4990)
    other = {"ods": taken, "name": "Another practice", "kind": "GP_PRACTICE", "postcode": "LS1 4AP"}
    await environment.put("organisations", taken, other)
    stored = await store.packs.ask("p", Pack(environment="DEV1", seed=4990))
    refusal = await finish_pack(stored, store, environment)
    assert refusal == f"DEV1 has another record with the key {taken} (organisations): Choose another seed number"
    present = await environment.read("organisations", taken)
    assert present is not None
    assert present.record["name"] == "Another practice"
    assert [each.state for each in await store.packs.of_partner("p")] == [PackState.REFUSED]


@pytest.mark.anyio
async def test_a_seed_belongs_to_one_partner_and_a_partner_has_few_packs(store: PortalStore) -> None:
    for seed in range(1, MOST_OF_PARTNER + 1):
        await store.packs.ask("p", Pack(environment="DEV1", seed=seed))
    with pytest.raises(TooManyPacks):
        await store.packs.ask("p", Pack(environment="DEV1", seed=9))
    with pytest.raises(SeedTaken):
        await store.packs.ask("other", Pack(environment="DEV1", seed=1))
    await store.packs.ask("other", Pack(environment="INT1", seed=1))
    assert await store.packs.one("other", (await store.packs.of_partner("p"))[0].id) is None
