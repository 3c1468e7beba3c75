"""Linking a service to a PAS, by the command line and by the use case."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from openers.cli.main import app
from openers.domain.booking import PasLink
from openers.domain.errors import InvalidState, ReferenceNotFound
from openers.domain.identifiers import ServiceId
from openers.store.engine.writer_lock import WriterLock
from openers.usecases.booking.link_pas import LinkPas, link_pas
from openers.usecases.booking.poll_slots import POLL
from openers.usecases.due import system_entry
from tests.kit.service.running import Running, copied

URL = "https://pas.example/fhir"
DIRECT, INDIRECT, UNKNOWN = ServiceId("11001"), ServiceId("11003"), ServiceId("999999")


def command(service: ServiceId = DIRECT, url: str = URL, client_id: str = "demo-pas") -> LinkPas:
    return LinkPas(service=service, url=url, client_id=client_id)


async def carry_out(wanted: LinkPas, run: Running) -> None:
    world = run.service.world
    await link_pas(wanted, world.for_call(system_entry("Link PAS", world.wall.now())))


@pytest.mark.anyio
async def test_a_link_is_kept_and_its_slots_are_polled(on_both: Running) -> None:
    for url in (f"{URL}/", "http://127.0.0.1:8002/fhir"):
        await carry_out(command(url=url), on_both)
        async with on_both.service.world.read() as tx:
            assert await tx.links.get(DIRECT) == PasLink(DIRECT, url.rstrip("/"), "demo-pas")
            assert await tx.links.polled(DIRECT) is None
            assert await tx.due.planned(POLL, DIRECT)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (command(UNKNOWN), ReferenceNotFound),
        (command(client_id="nobody"), ReferenceNotFound),
        (command(INDIRECT), InvalidState),
    ],
    ids=["service unknown", "application unknown", "not directly bookable"],
)
async def test_a_link_that_can_t_work_is_refused(wanted: LinkPas, refusal: type[Exception], service: Running) -> None:
    world = service.service.world
    async with world.read() as tx:
        before = await tx.links.all()
    with pytest.raises(refusal):
        await carry_out(wanted, service)
    async with world.read() as tx:
        assert await tx.links.all() == before


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pas.example",
        "ftp://pas.example",
        "http://",
        "http://a:b@pas.example",
        "http://pas.example/?a=b",
        "http://pas.example/#a",
        "http://pas.example/a b",
        "http://pas.example/\n",
        "http://[",
        "http://pas.example:x",
    ],
)
def test_the_address_must_be_one_of_http(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        command(url=url)


def run(database: str, keys: Path, *words: str) -> tuple[int, str]:
    environment = {
        "OPENERS_DATABASE_URL": database,
        "OPENERS_AUDIT_KEY_FILE": str(keys / "audit.key"),
        "OPENERS_SIGNING_KEY_FILE": str(keys / "signing.pem"),
    }
    result = CliRunner().invoke(app, ["pas", *words], env=environment)
    return result.exit_code, result.output


def test_the_command_links(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    database = copied(sqlite_template, tmp_path)
    assert run(database, keys, "link", DIRECT, URL) == (0, f"service {DIRECT} is linked to {URL}\n")
    for words, told in (((UNKNOWN, URL), "is not known"), ((DIRECT, "x"), "http(s)"), (("x", URL), "ServiceId")):
        status, output = run(database, keys, "link", *words)
        assert (status, output.count("\n")) == (1, 1)
        assert told in output


def test_the_command_waits_for_no_running_service(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    database = copied(sqlite_template, tmp_path)
    lock = WriterLock(Path(database.removeprefix("sqlite:///")))
    try:
        status, output = run(database, keys, "link", DIRECT, URL)
    finally:
        lock.release()
    assert status == 1
    assert "another process" in output


def test_the_command_passes_options_to_the_test_pas() -> None:
    result = CliRunner().invoke(app, ["pas", "serve", "--help"])
    assert result.exit_code == 0
    assert "--port" in result.output
