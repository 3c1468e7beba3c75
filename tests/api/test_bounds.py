"""Request values that are stored, returned or used as cache keys have a maximum length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.kit.service.running import GP, Running
from tests.kit.store.outside import entries

from openers.api.http import media
from openers.api.http.bounds import LONGEST_CACHED, LONGEST_CORRELATION_ID, LONGEST_HOST
from openers.worlds.recording.exchange import Exchange, Exchanges, Message

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/STU3/CodeSystem/PRIORITY", "/R4/ServiceRequest"])
@pytest.mark.parametrize(("header", "longest"), [("X-Correlation-ID", LONGEST_CORRELATION_ID), ("Host", LONGEST_HOST)])
async def test_a_value_that_is_too_long_is_refused_and_not_kept(
    service: Running, path: str, header: str, longest: int
) -> None:
    client = await service.as_person(GP)
    fits = await client.get(path, headers={header: "b" * longest})
    refused = await client.get(path, headers={header: "c" * (longest + 1)})
    assert (fits.status_code < 300 or fits.status_code == 400, refused.status_code) == (True, 400)
    assert f"'{header}'" in refused.text
    assert "c" * longest not in refused.headers.get("x-correlation-id", "")
    kept = str(await entries(service))
    assert "b" * longest in kept
    assert "c" * longest not in kept


async def test_a_correlation_id_of_the_greatest_length_is_sent_back_unchanged(service: Running) -> None:
    client = await service.as_person(GP)
    sent = "b" * LONGEST_CORRELATION_ID
    reply = await client.get("/STU3/CodeSystem/PRIORITY", headers={"X-Correlation-ID": sent})
    assert reply.headers["x-correlation-id"] == sent


async def test_an_address_that_does_not_exist_is_not_repeated_in_full(service: Running) -> None:
    reply = await (await service.as_person(GP)).get("/STU3/" + "a" * 10_000)
    assert (reply.status_code, len(reply.content) < 1000) == (404, True)


@pytest.mark.parametrize("length", [LONGEST_CACHED, LONGEST_CACHED + 1])
def test_only_short_headers_are_keys(length: int) -> None:
    before = media._accepts_cached.cache_info().misses, media._is_fhir_json_cached.cache_info().misses  # pyright: ignore[reportPrivateUsage]  # replies do not show what is cached
    accept = f"application/fhir+json;a={'a' * length}"[:length]
    assert media.accepts(accept, "application/fhir+json")
    assert media.is_fhir_json(accept)
    after = media._accepts_cached.cache_info().misses, media._is_fhir_json_cached.cache_info().misses  # pyright: ignore[reportPrivateUsage]  # as above
    assert [now - then for now, then in zip(after, before, strict=True)] == [length <= LONGEST_CACHED] * 2


def exchange(number: int, length: int) -> Exchange:
    """Return a recorded call whose body has this length."""
    said, silent = Message(headers=(), body="a" * length, size=length), Message(headers=(), body="", size=0)
    return Exchange(
        number=number,
        world="demo",
        at=datetime(2030, 1, 1, tzinfo=UTC),
        took=timedelta(seconds=1),
        method="GET",
        path="/",
        query="",
        request=said,
        reply=silent,
        status=200,
        request_id="",
        correlation_id="",
    )


def test_remembered_calls_are_bounded_together() -> None:
    shelf = Exchanges(10, most_characters=1000)
    for number in range(5):
        shelf.keep(exchange(number, 400))
    assert [each.number for each in shelf.of("demo")] == [4, 3]
    shelf.forget("demo")
    shelf.keep(exchange(5, 900))
    assert [each.number for each in shelf.of("demo")] == [5]
