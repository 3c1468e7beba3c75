"""`check` names the cause: each fault of a connection ends the steps at its own step, with what to do."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

from openers.testing import TestedService
from openers_client import Application, Role
from openers_quickconnect.terminal.check import Step, Wanted, prove
from tests.kit.run.project import ROOT
from tests.quickconnect.test_journeys import CONSULTANT, GP

pytestmark = pytest.mark.anyio
KEY: Final = json.loads((ROOT / "src/openers/worlds/packs/keys/demo-user-app.json").read_text())
OTHER_KEY: Final = {
    **{name: str(value) for name, value in RSAKey.generate_key(2048, private=True).as_dict(private=True).items()},
    "kid": KEY["kid"],
}


def user_app(key: dict[str, str]) -> Application:
    """Return the application of the demo world with a key."""
    return Application("demo-user-app", key)


GOOD: Final = Wanted(service="", application=user_app(KEY), user=GP, role=Role("D82106", "REFERRING_CLINICIAN"))
WEAK: Final = "656005750110"


async def steps(wanted: Wanted) -> list[Step]:
    """Return the steps up to the first that fails."""
    return [each async for each in prove(wanted)]


async def test_a_good_connection_holds(tested: TestedService) -> None:
    found = await steps(replace(GOOD, service=tested.base_url))
    assert [each for each in found if not each.holds] == []
    assert found[-1].name == "first call"


@pytest.mark.parametrize(
    ("wrong", "step", "said"),
    [
        (replace(GOOD, service="ftp://ers.example"), "address", "Give an address like https"),
        (replace(GOOD, service="http://nobody.invalid"), "name", "Check the host"),
        (
            replace(GOOD, application=user_app(OTHER_KEY)),
            "token",
            "does not belong to the registered",
        ),
        (
            replace(GOOD, application=user_app({**KEY, "kid": "x"})),
            "token",
            "use the registered kid",
        ),
        (replace(GOOD, application=Application("nobody", KEY)), "token", "Check the client id"),
        (replace(GOOD, user="000000000000"), "token", "Check the user id"),
        (replace(GOOD, role=Role("D82106", "SERVICE_PROVIDER_ADMIN")), "role", "REFERRING_CLINICIAN at D82106"),
        (replace(GOOD, role=Role("ZZZ99", "REFERRING_CLINICIAN")), "role", "no role at the organisation ZZZ99"),
        (
            replace(GOOD, application=Application("demo-no-asid", None, "published-secret-of-demo-no-asid")),
            "role",
            "register an ASID",
        ),
        (replace(GOOD, user=WEAK), "role", "stronger authenticator"),
        (replace(GOOD, user=CONSULTANT), "role", "SERVICE_PROVIDER_CLINICIAN at RCD"),
    ],
)
async def test_each_cause_is_named_at_its_step(tested: TestedService, wrong: Wanted, step: str, said: str) -> None:
    found = await steps(wrong if wrong.service else replace(wrong, service=tested.base_url))
    assert (found[-1].name, found[-1].holds) == (step, False), found
    assert said in f"{found[-1].found} {found[-1].cure}", found[-1]
    assert all(each.holds for each in found[:-1])


async def test_a_port_where_nothing_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = await steps(replace(GOOD, service=f"http://127.0.0.1:{port}"))
    assert (found[-1].name, "Check the port" in found[-1].cure) == ("port", True)


@pytest.mark.parametrize(("off", "said"), [(600, "s from the service's"), (-600, "Set this machine's clock")])
async def test_a_wrong_clock_is_named(off: int, said: str) -> None:
    async with answering(datetime.now(UTC) + timedelta(seconds=off)) as address:
        found = await steps(replace(GOOD, service=address))
    assert found[-1].name == "clock"
    assert said in f"{found[-1].found} {found[-1].cure}"


@pytest.mark.parametrize(
    ("days", "host", "said"),
    [
        ((-20, -1), "127.0.0.1", "has expired"),
        ((1, 20), "127.0.0.1", "check this machine's clock"),
        ((-1, 20), "192.0.2.1", "for another host"),
    ],
)
async def test_a_bad_certificate_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: tuple[int, int], host: str, said: str
) -> None:
    context = certified(tmp_path, days, host)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with answering(datetime.now(UTC), context) as address:
        found = await steps(replace(GOOD, service=address))
    assert found[-1].name == "certificate"
    assert said in found[-1].cure, found[-1]


async def test_an_unknown_authority_is_named(tmp_path: Path) -> None:
    async with answering(datetime.now(UTC), certified(tmp_path, (-1, 20), "127.0.0.1")) as address:
        found = await steps(replace(GOOD, service=address))
    assert (found[-1].name, "SSL_CERT_FILE" in found[-1].cure) == ("certificate", True)


@asynccontextmanager
async def answering(now: datetime, context: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    """Run a server whose replies have the time `now`; yield its address."""

    async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            date = format_datetime(now, usegmt=True)
            writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)
    async with server:
        scheme = "http" if context is None else "https"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def certified(folder: Path, days: tuple[int, int], host: str) -> ssl.SSLContext:
    """Return a server's context with a certificate for `host`, valid from and until these days from now."""
    key, name = generate_private_key(65537, 2048), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    begin, end = (datetime.now(UTC) + timedelta(days=each) for each in days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
