"""Replies in FHIR, and the errors that become replies."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from openers_testpas.fhir import MEDIA_TYPE, Element, outcome


class Problem(Exception):
    """A failed request: HTTP status, code of the OperationOutcome, and reason."""

    def __init__(self, status: int, code: str, text: str) -> None:
        """Store the reply; `code` is one of FHIR's IssueType."""
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def reply(status: int, resource: Element, headers: Mapping[str, str] | None = None) -> Response:
    """Return a resource as a reply."""
    return Response(msgspec.json.encode(resource), status, headers, MEDIA_TYPE)


def refusal(status: int, code: str, text: str) -> Response:
    """Return an OperationOutcome as a reply."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return reply(status, outcome(code, text), headers)
