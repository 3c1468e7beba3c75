"""Invalid bodies of A012, as in `test_random_bodies.py`: each error names the place, and nothing is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.test_random_bodies import ANY_JSON, fault_of
from tests.kit.calls.expectations import check_refusal
from tests.kit.calls.mutations import mutations
from tests.kit.files.practice import Practice
from tests.kit.files.samples import document, letter, maintain
from tests.kit.service.requests import HEADERS, Json

pytestmark = pytest.mark.anyio


async def _version(it: Practice, ubrn: str) -> str:
    return str((await it.read(ubrn))["meta"]["versionId"])


async def test_a_spoilt_node_is_refused_by_name_and_changes_nothing(practice: Practice) -> None:
    """Before each call the letter has one file. The invalid body names two."""
    it = practice
    ubrn, (old,), _ = await it.lettered("old.pdf")
    new = await it.file(ubrn, "new.pdf")
    valid = letter(document(old, "kept"), document(new, "new", id="x", language="en"))
    address = maintain(ubrn, 0)["url"]
    faults, accepted = list[str](), list[str]()
    before = await it.rows()
    for mutation in mutations(valid):
        headers = {**HEADERS, "If-Match": f'W/"{await _version(it, ubrn)}"'}
        reply = await it.gp.post(address, content=json.dumps(mutation.body), headers=headers)
        if fault := fault_of("A012", mutation, reply):
            faults.append(fault)
        if reply.is_success:
            accepted.append(f"{mutation.place} {mutation.how}")
            restored = await it.maintain(ubrn, await _version(it, ubrn), old)
            assert restored.status_code in (200, 422)
            before = await it.rows()
        elif await it.rows() != before:
            faults.append(f"{mutation.place} {mutation.how}: refused, and something was stored")
    assert not faults, "\n".join(faults)
    assert 0 < len(accepted) < 60, accepted


@pytest.fixture(scope="module")
async def unlettered(practice: Practice) -> str:
    return await practice.refer()


@settings(max_examples=100, deadline=None)
@given(parameters=ANY_JSON | st.lists(st.sampled_from(letter("att-1-1")["parameter"]) | ANY_JSON, max_size=4))
async def test_random_json_never_fails_the_service(practice: Practice, unlettered: str, parameters: Any) -> None:
    before = await practice.rows()
    call: Json = maintain(unlettered, 3)
    body = {**call["json"], "parameter": parameters}
    reply = await practice.gp.post(call["url"], content=json.dumps(body), headers=call["headers"])
    assert reply.status_code in (400, 422)
    check_refusal(reply, "STU3")
    assert await practice.rows() == before
