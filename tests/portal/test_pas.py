"""A service is linked to the Test PAS by its number. The page shows the first slots; others' services are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
import uvicorn

from openers.testing import TestedService
from openers_portal.environment import Environment
from openers_portal.rules import packs
from openers_portal.rules.slots import first_slots, is_service
from openers_portal.settings import EnvironmentSettings
from openers_testpas.options import Options
from openers_testpas.server import build
from openers_testpas.system import System
from tests.kit.run.waiting import until
from tests.portal.conftest import GP, KEYS, Enter, register

SEED: Final = 4200
OF_THE_WORLD, ELSEWHERE, TRIAGED = "11006", "11012", "11004"
"""Services of the demo world at RCD: two with a PAS, and one that is not booked directly."""


@pytest.fixture(scope="module")
def test_pas(tested: TestedService, pas_port: int, tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Run the Test PAS of the environment."""
    database: Path = tmp_path_factory.mktemp("pas") / "testpas.db"
    options = Options(
        service=tested.base_url,
        port=pas_port,
        database=database,
        client_id="demo-pas",
        client_key=KEYS / "demo-pas.json",
    )
    servers: list[uvicorn.Server] = []

    def _run() -> None:  # its store belongs to the thread that opens it
        app = build(System(options))
        servers.append(uvicorn.Server(uvicorn.Config(app, port=pas_port, log_level="error", ws="none")))
        servers[0].run()

    thread = Thread(target=_run, daemon=True)
    thread.start()
    until(lambda: bool(servers) and servers[0].started, "the Test PAS does not start")
    yield
    servers[0].should_exit = True
    thread.join()


def test_without_its_pas_the_environment_is_told(enter: Enter) -> None:
    person = enter(GP)
    path = register(person, "Rest Systems", "X26RS")
    person.go(f"{path}/packs/new")
    person.send("Make the pack", environment="DEV1", seed=str(SEED - 1))
    person.go(path)
    person.follow("Link a service to the Test PAS")
    person.send("Link it", environment="DEV1", service=packs.services(SEED - 1)[0]["id"])
    assert "The Test PAS of DEV1 does not answer. Try again later" in person.text


@pytest.mark.usefixtures("test_pas")
def test_a_service_is_linked_and_shows_its_first_slots(enter: Enter, portal_environment: EnvironmentSettings) -> None:
    """The demo's own PAS gives the slots here: the link to the Test PAS itself is followed in the whole path."""
    asyncio.run(_link(portal_environment))
    person = enter(GP)
    path = register(person, "Link Systems", "X26LK")
    person.go(f"{path}/pas")
    person.send("Link it", environment="DEV1", service=OF_THE_WORLD)
    assert f"Service {OF_THE_WORLD} is of RCD, where your partner has no smartcard" in person.text
    person.go(f"/api/v1{path}/pas?environment=DEV1&service={OF_THE_WORLD}")
    assert person.reply.json()["linked"] is None
    person.go(f"{path}/cards/new")
    roles = ["SERVICE_DEFINER"]
    person.send("Get the cards", environment="DEV1", kind="new", names="Di Definer", organisation="RCD", roles=roles)
    person.go(f"{path}/pas")
    for _ in range(2):  # a second time changes nothing
        person.send("Link it", environment="DEV1", service=OF_THE_WORLD)
        assert f"Service {OF_THE_WORLD} is linked to the Test PAS." in person.text
        assert "Referrers see it" in person.text
    person.go(f"/api/v1{path}/pas?environment=DEV1&service={OF_THE_WORLD}")
    slots = person.reply.json()["linked"]["slots"]
    assert len(slots) == 5
    assert [each["start"] for each in slots] == sorted(each["start"] for each in slots)
    person.go(f"{path}/pas")
    for wrong, error in {
        "": "Enter the number of the service",
        "012": "Enter the number of the service",
        "9" * 13: "Enter the number of the service",
        "123456789": "DEV1 has no service 123456789",
        TRIAGED: f"service {TRIAGED} is not directly bookable",
        ELSEWHERE: "The service is linked to another PAS",
    }.items():
        person.send("Link it", environment="DEV1", service=wrong)
        assert person.reply.status_code == 422, wrong
        assert error in person.text
    person.send("Link it", environment="LIVE", service=OF_THE_WORLD)
    assert "Choose the environment" in person.text


async def _link(settings: EnvironmentSettings) -> None:
    """Link the service of the world to the Test PAS of this test, as an administrator does."""
    environment = Environment(settings)
    present = await environment.read("pas-links", OF_THE_WORLD)
    assert present is not None
    await environment.put("pas-links", OF_THE_WORLD, {**present.record, "url": settings.pas_url})
    await environment.close()


def test_the_first_free_slots_are_told_in_their_order() -> None:
    def row(day: int, hidden_by: str | None, told: str = "") -> dict[str, Any]:
        return {"start": f"2027-01-{day:02d}T09:00:00+00:00", "hidden_by": hidden_by, "told": told}

    rows = [
        row(9, None),
        row(1, "STATE", "taken"),
        row(2, "RESERVATION", "new"),
        *(row(day, None) for day in range(3, 9)),
    ]
    found = first_slots({"slots": rows})
    assert [(each.start.day, each.hidden) for each in found] == [(2, "new"), (3, ""), (4, ""), (5, ""), (6, "")]


def test_the_number_of_a_service() -> None:
    assert [is_service(each) for each in ("1", "9" * 12, "0", "²", "", "9" * 13, "1a")] == [True, True, *[False] * 5]
