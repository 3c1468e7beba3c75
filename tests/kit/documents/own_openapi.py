"""Compare every reply with our own OpenAPI document. `tests.kit.service.running.Running` calls it for each reply."""

from __future__ import annotations

from functools import cache
from typing import Final

import httpx

from openers.api import operations  # this import registers every operation
from openers.api.openapi import openapi_document
from tests.kit.documents.replies import Document

__all__ = ["check_reply", "operations", "own"]

PREFIX: Final = "/referrals/FHIR"
WITHOUT_BODY: Final = frozenset({401, 403, 429})
"""Statuses of gateway rejections without a body: on STU3, or for a header that only a gateway may send."""


@cache
def own() -> Document:
    """Return our own document."""
    return Document(openapi_document(PREFIX), PREFIX)


def check_reply(request: httpx.Request, response: httpx.Response) -> None:
    """Assert that a reply matches our document. Its body must be read already."""
    if not response.content and response.status_code in WITHOUT_BODY:
        return
    faults = [str(fault) for fault in own().faults(request, response)]
    assert not faults, "not as our OpenAPI document says:\n" + "\n".join(faults)
