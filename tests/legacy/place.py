"""A running service that requires TLS, for programs with certificates and smartcards."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import pytest

from openers.domain.endpoints.endpoint import Endpoint, EndpointCertificate, EndpointStatus
from openers.domain.identifiers import OdsCode
from openers.tls.reading import read_certificate
from tests.kit.referrals.cast import gathered
from tests.kit.referrals.rig import rig
from tests.kit.service.certificates import Certificates, Pair
from tests.kit.service.live import Live, free_port, live, settings_env
from tests.kit.service.running import copied
from tests.legacy.client import Json

ASID: Final = "200000000220"
FQDN: Final = "ers.trust.example"
OPERATIONS: Final = frozenset({"A001", "A002", "A003", "A004", "A005", "A006", "A007", "A008", "A013"})
END: Final = "-----END CERTIFICATE-----\n"


class Place(NamedTuple):
    """A running service that requires TLS, the certificates, and a booked referral with a letter."""

    run: Live
    url: str
    dev1: Certificates
    own: Pair
    server: Pair
    ubrn: str

    def client(self, pair: Pair | None, **headers: str) -> httpx.Client:
        """Return a client with a certificate of its own, if given."""
        context = ssl.create_default_context(cafile=str(self.dev1.files.trust))
        if pair is not None:
            context.load_cert_chain(*pair.one)
        return httpx.Client(base_url=f"{self.url}/ers-api", verify=context, headers=headers, timeout=60)

    def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """Call test control."""
        reply = httpx.request(method, f"{self.run.base_url}/_test{path}", json=body, timeout=60)
        assert reply.is_success, reply.text
        return reply.json()


def endpoint(pair: Pair, **changes: Any) -> Endpoint:
    """Return the registration of a certificate."""
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text().split(END)[0] + END)
    found = read_certificate(der)
    made = Endpoint(
        asid=ASID,
        environment="DEV1",
        organisation=OdsCode("R69"),
        fqdn=FQDN,
        certificates=(EndpointCertificate(fingerprint=found.fingerprint, issuer=found.issuer),),
        operations=OPERATIONS,
        status=EndpointStatus.ISSUED,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture(scope="session")
def place(sqlite_template: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """Run a service that requires TLS, with a booked referral and the endpoints of these tests."""
    folder = tmp_path_factory.mktemp("place")
    dev1 = Certificates(tmp_path_factory.mktemp("dev1"), "DEV1")
    int1 = Certificates(tmp_path_factory.mktemp("int1"), "INT1")
    own, server = dev1.issue(FQDN), dev1.issue("localhost", 30, "127.0.0.1")
    url = copied(sqlite_template, folder)
    kept = tmp_path_factory.mktemp("keys")
    shutil.copytree(keys, kept, dirs_exist_ok=True)
    strange = int1.issue(FQDN)
    ubrn = asyncio.run(prepared(url, kept, own))
    port = free_port()
    trusted = folder / "trusted.pem"
    trusted.write_bytes(dev1.files.trust.read_bytes() + int1.files.trust.read_bytes())
    settings = {
        **settings_env(url, kept),
        "OPENERS_REQUIRE_TLS": "true",
        "OPENERS_TLS_CERTIFICATE": str(server.certificate),
        "OPENERS_TLS_KEY": str(server.key),
        "OPENERS_TLS_CLIENT_CA": str(trusted),
        "OPENERS_TLS_CLIENT_CRL": f"{dev1.files.revocations},{int1.files.revocations}",
        "OPENERS_TLS_PORT": str(port),
        "OPENERS_TRUSTED_PROXIES": "127.0.0.1",
    }
    shutil.copy(strange.certificate, dev1.folder / "strange.pem")
    shutil.copy(strange.key, dev1.folder / "strange.key")
    with live(settings) as run:
        yield Place(run, f"https://127.0.0.1:{port}", dev1, own, server, ubrn)
        run.stop()


async def prepared(url: str, keys: Path, own: Pair) -> str:
    """Register the endpoints, and make a booked referral with a letter; return its UBRN."""
    async with rig(url, keys) as made:
        cast = await gathered(made)
        referral = await cast.with_letter(await cast.booked_by_telephone())
        async with made.world.begin("register endpoints") as tx:
            await tx.registers.endpoints.add(endpoint(own))
            await tx.registers.endpoints.add(
                endpoint(own, asid="200000000221", status=EndpointStatus.SUSPENDED, certificates=())
            )
            await tx.registers.endpoints.add(
                endpoint(own, asid="200000000222", operations=frozenset({"A001"}), certificates=())
            )
        return str(referral["id"])
