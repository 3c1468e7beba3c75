"""A certificate for an endpoint by one call: what is signed, what is refused, and what is registered."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_curve_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from openers.tls.authority_files import AuthorityFiles
from tests.kit.service.administration import ADMIN, administrator
from tests.kit.service.certificates import request
from tests.kit.service.running import Running

pytestmark = pytest.mark.anyio
FQDN: Final = "letters.moor.example"
KEY: Final = generate_private_key(65537, 2048)
ENDPOINT: Final = {"environment": "DEV1", "organisation": "RCD", "fqdn": FQDN, "product": "Letters"}


async def _register(run: Running, asid: str, **change: Any) -> Any:
    """Register an endpoint; return a client of the administration."""
    client = await administrator(run)
    reply = await client.put(f"{ADMIN}/endpoints/{asid}", json={**ENDPOINT, "asid": asid, **change})
    assert reply.status_code == 201, reply.text
    return client


async def test_a_certificate_is_issued_and_registered(administered_on_both: Running) -> None:
    run, asid = administered_on_both, "200000000901"
    client = await _register(run, asid)
    body = {"request": request(FQDN, KEY).decode(), "days": 30}
    issued = await client.post(f"{ADMIN}/endpoints/{asid}/certificates", json=body)
    assert issued.status_code == 201, issued.text
    told = issued.json()
    certificate, sub = x509.load_pem_x509_certificates(told["certificate"].encode())
    certificate.verify_directly_issued_by(sub)
    assert certificate.public_key() == KEY.public_key()
    assert certificate.fingerprint(hashes.SHA256()).hex() == told["fingerprint"]
    assert sub in x509.load_pem_x509_certificates(told["trust"].encode())
    endpoint = (await client.get(f"{ADMIN}/endpoints/{asid}")).json()
    assert endpoint["status"] == "issued"
    assert endpoint["certificates"] == [{"fingerprint": told["fingerprint"], "issuer": told["issuer"]}]
    assert "PRIVATE KEY" not in issued.text


async def test_a_certificate_is_revoked_by_its_serial_number(administered_on_both: Running) -> None:
    run, asid = administered_on_both, "200000000907"
    client = await _register(run, asid)
    address = f"{ADMIN}/endpoints/{asid}/certificates"
    first, second = [(await client.post(address, json={"request": request(FQDN, KEY).decode()})).json() for _ in "12"]
    for _ in range(2):
        assert (await client.delete(f"{address}/{first['serial']}")).status_code == 204
    held = (await client.get(f"{ADMIN}/endpoints/{asid}")).json()["certificates"]
    assert [each["fingerprint"] for each in held] == [second["fingerprint"]]
    revoked = {
        each.serial: each.revoked for each in AuthorityFiles(run.service.edge.settings.ca_directory, "DEV1").issued()
    }
    assert revoked[first["serial"]] is not None
    assert revoked[second["serial"]] is None
    other = await _register(run, "200000000908", fqdn="other.moor.example")
    for path in (f"{address}/00", f"{ADMIN}/endpoints/200000000908/certificates/{second['serial']}"):
        assert (await other.delete(path)).status_code == 404
    assert (await client.get(f"{ADMIN}/endpoints/{asid}")).json()["certificates"] == held


async def test_certificates_that_are_issued_at_the_same_time_are_all_registered(administered_on_both: Running) -> None:
    asid = "200000000902"
    client = await _register(administered_on_both, asid)
    body = {"request": request(FQDN, KEY).decode()}
    address = f"{ADMIN}/endpoints/{asid}/certificates"
    replies = await asyncio.gather(*(client.post(address, json=body) for _ in range(3)))
    issued = {each.json()["fingerprint"] for each in replies if each.status_code == 201}
    assert {each.status_code for each in replies} <= {201, 423}
    endpoint = (await client.get(f"{ADMIN}/endpoints/{asid}")).json()
    assert {each["fingerprint"] for each in endpoint["certificates"]} == issued
    assert issued


async def test_of_certificates_at_the_same_time_no_more_are_issued_than_an_endpoint_may_have(
    administered_on_both: Running,
) -> None:
    """The limit holds when the certificate is registered too, as other requests are signed meanwhile."""
    asid = "200000000906"
    held = [{"fingerprint": f"{number:064x}", "issuer": "CN=Old"} for number in range(9)]
    client = await _register(administered_on_both, asid, certificates=held)
    body, address = {"request": request(FQDN, KEY).decode()}, f"{ADMIN}/endpoints/{asid}/certificates"
    replies = await asyncio.gather(*(client.post(address, json=body) for _ in range(3)))
    assert {each.status_code for each in replies} <= {201, 422, 423}, [each.text for each in replies]
    assert len([each for each in replies if each.is_success]) == 1
    assert len((await client.get(f"{ADMIN}/endpoints/{asid}")).json()["certificates"]) == 10


def _curve() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, FQDN)])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(new_curve_key(SECP256R1()), hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"request": "no request"}, 422, "not a certificate signing request"),
        ({"request": request("other.moor.example", KEY).decode()}, 422, "the request is for other.moor.example"),
        ({"request": _curve()}, 422, "the key is not RSA"),
        ({"request": request(FQDN, KEY).decode(), "days": 2000}, 422, "<= 1095"),
        ({"days": 1}, 422, "request"),
        ({"request": 1}, 422, "str"),
        ({"request": "x", "hosts": ["*"]}, 422, "hosts"),
        ({"request": "x" * 16_001}, 422, "16000"),
    ],
)
async def test_a_wrong_request_changes_nothing(
    administered_on_both: Running, body: dict[str, Any], status: int, told: str
) -> None:
    client, asid = await administrator(administered_on_both), "200000000903"
    await client.put(f"{ADMIN}/endpoints/{asid}", json={**ENDPOINT, "asid": asid})
    reply = await client.post(f"{ADMIN}/endpoints/{asid}/certificates", json=body)
    assert reply.status_code == status, reply.text
    assert told in reply.json()["detail"]
    assert reply.json()["cure"]
    assert (await client.get(f"{ADMIN}/endpoints/{asid}")).json()["certificates"] == []


async def test_what_may_not_be_signed(administered_on_both: Running) -> None:
    body = {"request": request(FQDN, KEY).decode()}
    client = await _register(administered_on_both, "200000000904", status="revoked")
    refused = await client.post(f"{ADMIN}/endpoints/200000000904/certificates", json=body)
    assert (refused.status_code, refused.json()["detail"]) == (422, "the endpoint is revoked")
    assert (await client.post(f"{ADMIN}/endpoints/999999999999/certificates", json=body)).status_code == 404
    foreign = await _register(administered_on_both, "200000000905", environment="no.name")
    refused = await foreign.post(f"{ADMIN}/endpoints/200000000905/certificates", json=body)
    assert refused.status_code == 422
    assert "is not a name of an environment" in refused.json()["detail"]
