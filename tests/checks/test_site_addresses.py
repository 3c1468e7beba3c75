"""Each address of the documentation site that the service names exists in the site as it was built."""

from __future__ import annotations

import pytest

from openers.api.openapi import openapi_document
from openers.worlds.recording.citations import citations
from tests.checks.source import texts
from tests.kit.service.running import Running

pytestmark = pytest.mark.anyio


def addresses() -> set[str]:
    """Return the addresses that explanations (rules, by anchor) and OpenAPI (pages of operations) name."""
    sources = [each for each in texts() if each.path.startswith("src/") and each.path.endswith(".py")]
    rules = {cited.address for source in sources for cited in citations(source.text)}
    described = openapi_document("")["paths"].values()
    return rules | {operation["externalDocs"]["url"] for path in described for operation in path.values()}


async def test_each_address_that_the_service_names_exists(service: Running) -> None:
    named, lost = addresses(), set[str]()
    for address in named:
        path, _, anchor = address.partition("#")
        got = await service.pages().get(path)
        if got.status_code != 200 or (anchor and f'id="{anchor}"' not in got.text):
            lost.add(address)
    assert len(named) > 100
    assert lost == set()
