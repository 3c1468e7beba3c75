"""The replies that the official document lists for each operation: statuses, and the codes in its error tables.

`note_reply` records each reply of the FHIR edge that a test gets through `tests.kit.service.running.Running`.
`tests/kit/documents/answers.py` compares a complete run with the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import httpx

from tests.kit.documents.official import official
from tests.kit.documents.reference import specification

OF_RULES: Final = frozenset({"400", "404", "409", "412", "422", "423", "502", "504"})
"""Statuses that follow from an operation's own rules. The edge sends the others; separate tests cover them."""
_ROW: Final = re.compile(r"(?m)^\|\s*`?([A-Z][A-Z_]+)`?\s*\|")
_noted: set[str] = set()


@cache
def listed() -> frozenset[str]:
    """Return all listed replies, such as `A014 409` and `A014 422 MISSING_VALUE`."""
    operations = [each for item in specification()["paths"].values() for each in item.values() if "responses" in each]
    return frozenset(answer for operation in operations for answer in _answers(operation))


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    for status, described in operation["responses"].items():
        if status in OF_RULES:
            yield f"{_number(operation)} {status}"
            for code in _ROW.findall(official().resolved(described).get("description", "")):
                yield f"{_number(operation)} {status} {code}"


def note_reply(request: httpx.Request, response: httpx.Response) -> None:
    """Record the status and error codes of a reply, whose body must be read already."""
    found = official().operation(request.method, request.url.raw_path.decode())
    if found is None or str(response.status_code) not in OF_RULES:
        return
    answer = f"{_number(found[1])} {response.status_code}"
    _noted.add(answer)
    if "json" in response.headers.get("content-type", ""):
        _noted.update(f"{answer} {code}" for code in re.findall(r'"code":"([A-Z][A-Z_]+)"', response.text))


def taken() -> list[str]:
    """Return the recorded replies and clear the record."""
    answers = sorted(_noted)
    _noted.clear()
    return answers


def _number(operation: dict[str, Any]) -> str:
    return str(operation["operationId"]).partition("-")[0].upper()
