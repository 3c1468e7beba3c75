"""Replies in FHIR, and the errors that become one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from openers_testpas.fhir import MEDIA_TYPE, Element, outcome


class Problem(Exception):
    """A request can't be carried out: HTTP status, code of the OperationOutcome, and why."""

    def __init__(self, status: int, code: str, text: str) -> None:
        """`code` is one of FHIR's IssueType."""
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def reply(status: int, resource: Element, headers: Mapping[str, str] | None = None) -> Response:
    """A resource as a reply."""
    return Response(msgspec.json.encode(resource), status, headers, MEDIA_TYPE)


def refusal(status: int, code: str, text: str) -> Response:
    """An OperationOutcome as a reply."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return reply(status, outcome(code, text), headers)
