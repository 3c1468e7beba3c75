"""Registered endpoints in the store, on both databases."""

from __future__ import annotations

import msgspec
import pytest

from openers.domain.endpoints.endpoint import Endpoint, EndpointCertificate, EndpointStatus
from openers.domain.identifiers import OdsCode
from openers.usecases.ports.registers import Window
from openers.usecases.ports.transaction import Store
from tests.kit.store.records import entry

pytestmark = pytest.mark.anyio
FIRST, SECOND = "a" * 64, "b" * 64


def endpoint(asid: str, *fingerprints: str) -> Endpoint:
    """Return an endpoint with these certificates."""
    known = tuple(EndpointCertificate(fingerprint=each, issuer="CN=DEV1 Sub CA") for each in fingerprints)
    return Endpoint(
        asid=asid,
        environment="DEV1",
        organisation=OdsCode("D82106"),
        fqdn="ers.surgery.example",
        certificates=known,
        status=EndpointStatus.ISSUED,
    )


async def test_an_endpoint_is_found_by_its_id_and_by_each_of_its_present_certificates(store: Store) -> None:
    one = endpoint("200000000220", FIRST, SECOND)
    async with store.begin(entry()) as tx:
        stored = await tx.registers.endpoints.add(one)
        await tx.registers.endpoints.add(endpoint("200000000221"))
    async with store.read() as tx:
        found = await tx.registers.endpoints.get("200000000220")
        assert found is not None
        assert (found.value, found.version) == (one, 1)
        assert [await tx.registers.endpoints.of_certificate(each) for each in (FIRST, SECOND)] == [one, one]
        assert await tx.registers.endpoints.get("200000000222") is None
    renewed = msgspec.structs.replace(one, certificates=one.certificates[1:])
    async with store.begin(entry()) as tx:
        assert (await tx.registers.endpoints.replace(stored, renewed)).version == 2
    async with store.read() as tx:
        assert [await tx.registers.endpoints.of_certificate(each) for each in (FIRST, SECOND)] == [None, renewed]
        listed = await tx.registers.endpoints.page(Window(organisation=OdsCode("D82106")))
        assert [each.key for each in listed] == ["200000000220", "200000000221"]
