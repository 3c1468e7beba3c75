"""Holds every reply against our own OpenAPI document. Called by `tests.kit.service.running.Running` for each reply."""

from __future__ import annotations

from functools import cache
from typing import Final

import httpx

from openers.api import operations  # registers every operation
from openers.api.openapi import openapi_document
from tests.kit.documents.replies import Document

__all__ = ["check_reply", "operations", "own"]

PREFIX: Final = "/referrals/FHIR"
WITHOUT_BODY: Final = frozenset({401, 403, 429})
"""Refusals of the gateway that have no body on STU3, or where a header is sent that only a gateway may send."""


@cache
def own() -> Document:
    """Our document."""
    return Document(openapi_document(PREFIX), PREFIX)


def check_reply(request: httpx.Request, response: httpx.Response) -> None:
    """Assert that a reply, read already, is as our document says."""
    if not response.content and response.status_code in WITHOUT_BODY:
        return
    faults = [str(fault) for fault in own().faults(request, response)]
    assert not faults, "not as our OpenAPI document says:\n" + "\n".join(faults)
