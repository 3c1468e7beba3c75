"""The world `published`, frozen and with open access: published requests get exactly the published replies.

No request has a token, and nothing is masked: ids, versions and dates are those of the publisher.

The JSON comparison ignores the spelling of instants, and the order of lists that FHIR leaves unordered. These are
extensions, contained resources, supporting information, and the entries of bundles and worklists.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final, cast

import httpx
import pytest
from tests.conformance.plays import PAS_FAULTS, Json, Play, plays
from tests.conformance.published_world import SHARE, contradictions
from tests.kit.service.worlds import Rig, published_world

pytestmark = pytest.mark.anyio
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
UNORDERED: Final = frozenset({"extension", "contained", "supportingInfo"})


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    """Run the service with the world `published`, with open access and frozen."""
    async with published_world(tmp_path_factory.mktemp("published")) as made:
        yield made


async def asked(world: Rig, play: Play) -> httpx.Response:
    """Send a published request."""
    body, fault = play.body, PAS_FAULTS.get(play.expected.status)
    if fault is not None:
        await world.control("POST", "/faults", {"kind": fault, "count": 1})
        body = _of_the_slot_named(play, body)
    plain = {"Content-Type": "application/json"} if body is not None else {}
    reply = await world.http.request(
        play.method,
        f"/referrals/FHIR{play.path}",
        headers={"NHSD-eRS-Business-Function": play.function, **plain, **play.headers},
        content=None if body is None else json.dumps(body),
    )
    if fault is not None:
        await world.http.delete("/_test/faults")
    return reply


def _of_the_slot_named(play: Play, body: Json | None) -> Json | None:
    """Return a booking of the slot that the published refusal names; no published request books it."""
    named = re.search(r"slot '(\d+)'", play.expected.read()["issue"][0]["diagnostics"])
    if play.expected.number != "A016" or named is None or body is None:
        return body
    times = {each: body[each].replace("2022", "2021") for each in ("start", "end")}  # see the register for this year
    return {**body, **times, "slot": [{"reference": f"Slot/{named[1]}"}]}


def whole(node: Any, *, within: Json | None = None, name: str = "") -> Any:
    """Return JSON in a normal form, without differences that do not matter."""
    if isinstance(node, dict):
        told = cast("Json", node)
        return {key: whole(value, within=told, name=key) for key, value in told.items()}
    if isinstance(node, list):
        items = [whole(each) for each in cast("list[Any]", node)]
        return sorted(items, key=_text) if name in UNORDERED or (name == "entry" and _is_unordered(within)) else items
    return _instant(node) if isinstance(node, str) and INSTANT.fullmatch(node) else node


def _text(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _is_unordered(holder: Json | None) -> bool:
    """Return whether the entries of a resource are unordered: those of bundles and of worklists are."""
    profiles = (holder or {}).get("meta", {}).get("profile", [])
    return (holder or {}).get("resourceType") == "Bundle" or any("FetchWorklist-List" in each for each in profiles)


def _instant(text: str) -> str:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")


@pytest.mark.parametrize("play", plays(), ids=lambda each: each.expected.path)
async def test_a_published_reply_comes_out_whole(
    play: Play, world: Rig, record_property: Callable[[str, object], None]
) -> None:
    """Each published response is reproduced exactly, unless it is a registered contradiction.

    A contradiction that is reproduced after all fails, so each register entry is needed.
    """
    reply = await asked(world, play)
    registered = [each.reason for each in contradictions() if fnmatchcase(play.expected.path, each.examples)]
    record_property(SHARE, not registered)
    expected = whole(play.expected.read())
    told = whole(reply.json()) if reply.headers.get("content-type", "").startswith("application/fhir+json") else None
    if registered:
        assert len(registered) == 1, registered
        assert told != expected, f"registered as a contradiction, and comes out: {registered[0]}"
    else:
        assert str(reply.status_code) == (play.expected.status or str(reply.status_code)), reply.text
        assert told == expected


async def test_nothing_stays(world: Rig) -> None:
    """A repeated published creation gets the same bytes; so does a read before and after a creation."""
    create = next(each for each in plays() if each.expected.number == "A011")
    read = next(each for each in plays() if each.expected.number == "A005")
    for play in (create, read):
        first, _, second = await asked(world, play), await asked(world, create), await asked(world, play)
        assert (first.status_code, first.content) == (second.status_code, second.content)


def test_every_entry_of_the_register_is_needed() -> None:
    """Each register entry covers an existing example and gives a reason."""
    paths = [each.expected.path for each in plays()]
    for entry in contradictions():
        assert any(fnmatchcase(path, entry.examples) for path in paths), entry.examples
        assert len(entry.reason) > 40
