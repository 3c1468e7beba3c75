"""One example of each operation: a request and the reply of the demo world.

`python -m tests.kit.examples` records the files of this folder. The OpenAPI document and the pages of
`docs/operations` show them, and `tests/api/test_examples.py` makes every request again.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from openers.api.operation import Operation

RECORDED_AT: Final = "http://127.0.0.1:8000"
"""The base URL of the service that recorded the examples."""
_FOLDER: Final = files("openers.api.examples")


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reply of an example: `headers` only as far as they differ by operation, `body` only if it is JSON."""

    status: int
    headers: dict[str, str] = {}
    body: Any = None
    text: str | None = None


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request of a person of the demo world, and its reply.

    `needs` names the records that the request refers to; without it the request works in every demo world.
    `path` is below the FHIR base and has the query. `text` is a body that is not JSON. The access token is left out.
    """

    title: str
    needs: str | None = None
    user: str
    method: str
    path: str
    headers: dict[str, str] = {}
    body: Any = None
    text: str | None = None
    reply: Reply


def example_name(operation: Operation) -> str:
    """Return the name of the file of an operation's example, without `.json`."""
    return operation.id.lower() + ("-version" if operation.path.endswith("/_history/{version}") else "")


def example_of(operation: Operation, base_url: str = RECORDED_AT) -> Example:
    """Return the example of an operation, as a service at `base_url` has it."""
    text = (_FOLDER / f"{example_name(operation)}.json").read_text("utf-8")
    return msgspec.json.decode(text.replace(RECORDED_AT, base_url), type=Example)


def path_values(operation: Operation, example: Example) -> dict[str, str]:
    """Return the path parameters of an example by name; none if its path is not one of the operation."""
    parts = re.split(r"\{(\w+)\}", operation.path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    found = re.fullmatch(pattern, example.path.partition("?")[0])
    return {} if found is None else found.groupdict()


def query_values(example: Example) -> dict[str, str]:
    """Return the query parameters of an example by name."""
    return dict(parse_qsl(example.path.partition("?")[2]))
