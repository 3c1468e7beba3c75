"""Every operation has an example: a fresh demo world replies as it says, and both sides are as our OpenAPI describes.

`.venv/bin/python -m tests.kit.examples` records the examples again.
"""

from __future__ import annotations

import pytest
from tests.kit.documents.own_openapi import own
from tests.kit.examples.files import FOLDER, path_of, text_of
from tests.kit.examples.stories import recorded

from openers.api.examples import Example, example_name, example_of, path_values
from openers.api.operation import Operation
from openers.api.registry import all_operations

OPERATIONS = all_operations()


@pytest.fixture(scope="module")
async def again() -> dict[str, Example]:
    """The same requests in a demo world of their own."""
    return await recorded()


def test_every_operation_has_an_example_and_every_example_its_operation() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {example_name(each) for each in OPERATIONS}


@pytest.mark.anyio
@pytest.mark.parametrize("operation", OPERATIONS, ids=example_name)
async def test_the_service_replies_as_the_example_says(again: dict[str, Example], operation: Operation) -> None:
    """Status, shown headers and body are equal; only the signature of an address is left out."""
    name = example_name(operation)
    assert again[name] == example_of(operation)
    assert path_of(name).read_text("utf-8") == text_of(again[name])


@pytest.mark.parametrize("operation", OPERATIONS, ids=example_name)
def test_request_and_reply_are_as_the_operation_declares(operation: Operation) -> None:
    example = example_of(operation)
    assert example.method == operation.method
    assert operation.path.format(**path_values(operation, example)) == example.path.partition("?")[0]
    assert example.reply.status == operation.success
    assert (example.text is not None) == operation.takes_file
    assert ("ETag" in example.reply.headers) == operation.etag


@pytest.mark.parametrize("operation", OPERATIONS, ids=example_name)
def test_bodies_are_valid_by_their_schemas(operation: Operation) -> None:
    example = example_of(operation)
    if operation.request is not None:
        assert not list(own().body_faults(operation.request, example.body))
    if example.reply.body is not None:
        assert not list(own().body_faults(operation.response, example.reply.body))
