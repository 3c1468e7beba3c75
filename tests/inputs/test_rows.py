"""No input is dropped silently: each input of each operation has a row, and each row is true.

A new operation or input fails here until `rows.toml` states how it is handled.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import pytest

from tests.inputs.derived import inputs, parts
from tests.inputs.desk import Desk, at, changed, expected_of, names_of, places, request_of, text_of, wrong
from tests.kit.calls.expectations import BY_NAME
from tests.kit.files.samples import LETTER
from tests.kit.referrals.rig import linked
from tests.kit.referrals.stage import set_stage
from tests.kit.service.requests import Json
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, Running

pytestmark = pytest.mark.anyio
ROOT: Final = Path(__file__).parents[2]
TABLE: Final[dict[str, dict[str, str]]] = tomllib.loads((ROOT / "tests/inputs/rows.toml").read_text("utf-8"))
EVERYWHERE: Final = cast("list[str]", TABLE.pop("everywhere")["ignored"])
READS: Final = frozenset({"A008", "A008-provider", "A010", "A023"})
"""Operations that store nothing: search criteria, which other operations store, only select their results."""
FATES: Final = frozenset({"kept", "used", "part", "ignored"})
REQUESTS: Final = [name for number in TABLE if number not in parts() for name in names_of(number)]
WITH_BODY: Final = [name for name in REQUESTS if expected_of(name).has_body]
SHARED: Final = (ROOT / "docs/reference/inputs.md").read_text("utf-8")
WORDS: Final = (
    *("id", "language", "text", "extension", "modifierExtension", "implicitRules", "comment", "note", "display"),
    *("userSelected", "version", "use", "type", "period", "assigner", "lastUpdated", "versionId", "security", "tag"),
    *("description", "created", "title", "size", "priority", "identifier", "date", "reason", "name", "part", "order"),
    *("minutesDuration", "serviceType", "appointmentType", "requestedPeriod", "indication", "required", "somethingNew"),
)
"""Elements that FHIR defines somewhere, and one that it does not define."""


@pytest.fixture(scope="module")
async def desk(shared: Running) -> AsyncGenerator[Desk]:
    """Run a service with the resources that each operation needs."""
    people = {"RC": GP, "SPC": CONSULTANT, "SPCA": replace(CONSULTANT_ADMIN, on_behalf_of=None)}
    async with linked(shared) as rig:
        yield Desk(await set_stage(rig), {name: await shared.as_person(who) for name, who in people.items()})


def fate(table: str, name: str) -> tuple[str, str]:
    """Return how an input is handled, and the further text of its row."""
    what, _, more = TABLE[table][name].partition(": ")
    return what, more


def rows_of(name: str, body: Json) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield the inputs of a body, each with the table of its row, its name and its path."""
    number = expected_of(name).number
    schema = request_of(number)
    for table, each, way in places(body, schema) if schema else ():
        yield table or number, each, way


def test_each_input_has_a_row() -> None:
    """Each input has a row, and each row names an existing input."""
    found = inputs()
    for table in sorted(found.keys() | TABLE.keys()):
        assert TABLE.get(table, {}).keys() == found.get(table, set()), f"tests/inputs/rows.toml: [{table}]"


def test_each_row_can_be_understood() -> None:
    """Each row states a known handling, and an ignored input quotes a sentence of its page."""
    for table, rows in TABLE.items():
        page = SHARED if table in parts() else (ROOT / f"docs/operations/{table.lower()}.md").read_text("utf-8")
        for name in rows:
            what, more = fate(table, name)
            assert what in FATES, f"[{table}] {name}: {what}"
            assert what != "ignored" or (more and more in page), f"[{table}] {name}: no page says {more!r}"
    for each in EVERYWHERE:
        assert f"`{each}`" in SHARED, each


@pytest.mark.parametrize("name", WITH_BODY)
async def test_what_is_used_is_refused_if_it_is_wrong(desk: Desk, name: str) -> None:
    """A wrong value of a used input is refused and changes nothing."""
    body = await desk.body(name)
    await expected_of(name).address(desk.stage)
    before = desk.rows()
    for table, each, way in rows_of(name, body):
        if fate(table, each)[0] == "used":
            spoilt = changed(body, way, wrong(at(body, way)))
            reply = await desk.send(name, json=spoilt)
            assert 400 <= reply.status_code < 500, f"[{table}] {each}: {reply.status_code}"
    assert desk.rows() == before


@pytest.mark.parametrize("name", WITH_BODY)
async def test_what_is_kept_can_be_read_back(desk: Desk, name: str) -> None:
    """Each kept input appears in the reply or in the rows that the operation stored."""
    body, before = await desk.body(name), desk.rows()
    reply = await desk.send(name, json=body)
    assert reply.is_success, reply.text
    kept = "\n".join((reply.text, *(desk.rows() - before)))
    for table, each, way in rows_of(name, body):
        what, more = fate(table, each)
        if what == "kept" and name not in READS:
            wanted = (more or "{}").replace("{}", text_of(at(body, way)))
            assert wanted, f"[{table}] {each}: nothing to look for"
            assert wanted in kept, f"[{table}] {each}: {wanted!r} was sent, and is nowhere"


@pytest.mark.parametrize("name", WITH_BODY)
async def test_what_is_ignored_may_be_anything(desk: Desk, name: str) -> None:
    """A request succeeds if all its ignored inputs hold other values."""
    body = await desk.body(name)
    for table, each, way in list(rows_of(name, body)):
        if fate(table, each)[0] == "ignored" and isinstance(at(body, way), str):
            other = "2021-01-01T01:01:01.000Z" if each in ("created", "indexed", "start", "end") else "Another"
            body = changed(body, way, other)
    for way, node in list(_objects(body)):
        if {"system", "code"} <= node.keys():
            body = changed(body, [*way, "display"], "Another")
    body = {**body, "language": "cy", "meta": {**body["meta"], "lastUpdated": "2021-01-01T01:01:01.000Z"}}
    assert (await desk.send(name, json=body)).is_success


def _objects(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Json]]:
    """Yield every object of a body with its path."""
    if isinstance(node, dict):
        yield way, cast("Json", node)
        for key, value in cast("Json", node).items():
            yield from _objects(value, (*way, key))
    elif isinstance(node, list):
        for index, value in enumerate(cast("list[Any]", node)):
            yield from _objects(value, (*way, index))


async def test_no_other_element_is_read_over(desk: Desk) -> None:
    """Each object of each body refuses an element that has no row, unless the page documents it for all bodies."""
    seen = set[tuple[str, ...]]()
    for name in WITH_BODY:
        body = await desk.body(name)
        rows = TABLE[expected_of(name).number]
        for way, node in _objects(body):
            kind = tuple(each for each in way if isinstance(each, str))[-2:] or (name,)
            if kind in seen:
                continue
            seen.add(kind)
            for word in WORDS:
                named = {word, f"{kind[-1]}.{word}"} & set(EVERYWHERE) or (word in rows and not way)
                if word in node or named:
                    continue
                reply = await desk.send(name, json=changed(body, [*way, word], "x"))
                assert not reply.is_success, f"{name}: {way} {word} is dropped silently"


@pytest.mark.parametrize("name", [each for each in REQUESTS if "?" in expected_of(each).path])
async def test_query_parameters_are_used_once(desk: Desk, name: str) -> None:
    """A wrong value or a repeated query parameter is refused; an unlisted parameter is ignored, as the page says."""
    address = await expected_of(name).address(desk.stage)
    path, _, query = address.partition("?")
    pairs = query.split("&")
    for index, pair in enumerate(pairs):
        spoilt = "&".join([*pairs[:index], f"{pair.partition('=')[0]}=zzz", *pairs[index + 1 :]])
        for url in (f"{path}?{spoilt}", f"{address}&{pair.partition('=')[0]}=zzz"):
            reply = await desk.send(name, url=url)
            assert 400 <= reply.status_code < 500, (url, reply.status_code)
    assert "A query parameter that the operation does not list" in " ".join(SHARED.split()).replace("| a", "| A")
    assert (await desk.send(name, url=f"{address}&nothing=x")).is_success


@pytest.mark.parametrize("name", [each for each in REQUESTS if "If-Match:" in TABLE[expected_of(each).number]])
async def test_another_version_is_refused(desk: Desk, name: str) -> None:
    body = await desk.body(name) if expected_of(name).has_body else None
    reply = await desk.send(name, headers={"If-Match": 'W/"98765"'}, **({} if body is None else {"json": body}))
    assert reply.status_code == 409, reply.text


@pytest.mark.parametrize("name", ["A020", "A039"])
async def test_a_file_is_kept_with_its_name_and_its_referral(desk: Desk, name: str) -> None:
    before, ubrn = desk.rows(), desk.stage.ubrn
    reply = await desk.send(name, headers={"NHSD-eRS-File-Name": "a letter, kept.pdf", "NHSD-eRS-Referral-ID": ubrn})
    assert reply.is_success
    kept = "\n".join(desk.rows() - before)
    for each in ("a letter, kept.pdf", ubrn, hashlib.sha256(LETTER.content).hexdigest()):
        assert each in kept, each


@pytest.mark.parametrize("name", [each.name for each in BY_NAME.values() if not each.has_body and each.file is None])
async def test_a_body_where_none_is_read_is_ignored(desk: Desk, name: str) -> None:
    """An operation that reads no body ignores one, as the page about inputs says."""
    assert "the body of a request without a defined body" in SHARED
    reply = await desk.send(name, content=b'{"a": 1}', headers={"Content-Type": "application/fhir+json"})
    assert reply.status_code == BY_NAME[name].success
