"""A call whose client certificate belongs to a registered endpoint: the registration decides beside the token."""

from __future__ import annotations

import ssl
from typing import Any, Final

import httpx
import msgspec
import pytest

from openers.api.http.peers import Peers, TlsPeer
from openers.domain.endpoints.endpoint import Endpoint, EndpointCertificate, EndpointStatus
from openers.domain.identifiers import OdsCode
from openers.tls.files import TlsFiles
from openers.tls.reading import read_certificate
from openers.usecases.ports.transaction import Tx
from tests.kit.service.certificates import Certificates, Pair
from tests.kit.service.running import GP, Running, entry

pytestmark = pytest.mark.anyio
PATH: Final = "/referrals/FHIR/STU3/CodeSystem/PRIORITY"
OWN, OTHER = "999900000101", "999900000103"
"""The ASID of the application, and that of another one."""
END: Final = "-----END CERTIFICATE-----\n"


def der_of(pair: Pair) -> bytes:
    """Return the certificate as a TLS connection presents it."""
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text().split(END)[0] + END)


def registered(pair: Pair) -> Endpoint:
    """Return an endpoint with this certificate and the ASID of the application."""
    found = read_certificate(der_of(pair))
    return Endpoint(
        asid=OWN,
        environment="DEV1",
        organisation=OdsCode("D82106"),
        fqdn=found.common_name,
        certificates=(EndpointCertificate(fingerprint=found.fingerprint, issuer=found.issuer),),
        status=EndpointStatus.ISSUED,
    )


def over_tls(app: Any, files: TlsFiles, pair: Pair) -> Any:
    """Return the application as a caller with this certificate reaches it, verified as on a TLS connection."""
    peers = Peers((), files)

    async def _serve(scope: Any, receive: Any, send: Any) -> None:
        peers.describe(scope, scope["headers"], TlsPeer("TLSv1.3", der_of(pair)))
        await app(scope, receive, send)

    return _serve


async def put(tx: Tx, endpoint: Endpoint) -> None:
    """Register the only endpoint with its certificate; an earlier one with another id loses it."""
    stored = await tx.registers.endpoints.get(endpoint.asid)
    if stored is None:
        await tx.registers.endpoints.add(endpoint)
    else:
        await tx.registers.endpoints.replace(stored, endpoint)


async def test_the_registration_of_the_certificate_decides_too(
    on_both: Running, files: TlsFiles, dev1: Certificates
) -> None:
    pair = dev1.issue("ers.surgery.example")
    known = registered(pair)
    cases: list[tuple[dict[str, Any] | None, str]] = [
        (None, ""),
        ({}, ""),
        ({"source_addresses": ("127.0.0.0/8",)}, ""),
        ({"operations": frozenset({"A001"})}, ""),
        ({"asid": OTHER}, f"belongs to the endpoint {OTHER}, the access token to an application with the ASID {OWN}"),
        ({"status": EndpointStatus.SUSPENDED}, f"The endpoint {OWN} is suspended"),
        ({"source_addresses": ("192.0.2.0/24",)}, "may not call from the address 127.0.0.1"),
        ({"fqdn": "before.example"}, "The host name ers.surgery.example is not that of"),
    ]
    world = on_both.service.world
    headers = {"Authorization": f"Bearer {await on_both.token(GP.user, 'demo-user-app')}", **GP.headers}
    transport = httpx.ASGITransport(over_tls(on_both.service, files, pair))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:
        for changes, text in cases:
            if changes is not None:
                async with world.for_call(entry()).begin("register an endpoint") as tx:
                    await put(tx, msgspec.structs.replace(known, **changes))
            reply = await client.get(PATH)
            assert (reply.status_code, text in reply.text) == (403 if text else 200, True), reply.text
    serve: Any = on_both.service
    plain = httpx.ASGITransport(serve)
    async with httpx.AsyncClient(transport=plain, base_url="http://127.0.0.1:8000", headers=headers) as client:
        assert (await client.get(PATH)).status_code == 200
