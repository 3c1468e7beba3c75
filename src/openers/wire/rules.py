"""The checks that a call passes, in order, and the rules that can refuse it.

A refusal carries its `Rule`, so that explanations use the rule that decided. `outcome.py` and `problems.py` assign the
rule; the test environment explains it in words. Source: rules chapter 2.3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from openers.domain import errors as e
from openers.domain.errors import OpenersError
from openers.wire import json as w


class Check(StrEnum):
    """The checks of a call, in the order in which they run."""

    CERTIFICATE = "client certificate"
    TOKEN = "token"
    ASSURANCE = "assurance"
    ALLOW_LIST = "allow-list"
    APPLICATION = "application"
    LIMIT = "limit"
    MODE = "access mode"
    ADDRESS = "address"
    ORGANISATION = "organisation"
    ROLE = "role"
    ON_BEHALF_OF = "on behalf of"
    MEDIA = "media types"
    JSON = "JSON"
    HEADERS = "headers and path values"
    BODY = "body"
    RECORD = "record"
    RELATIONSHIP = "relationship"
    VERSION = "version"
    STATE = "state"
    RULE = "rule"
    SERVICE = "service"


class Rule(NamedTuple):
    """One rule: the check that enforces it, its name, and its source."""

    check: Check
    id: str
    source: str

    def __str__(self) -> str:
        return f"{self.id} ({self.source})"


CHECKS: Final[dict[type[OpenersError], Check]] = {
    OpenersError: Check.SERVICE,
    e.Refused: Check.RULE,
    e.Failure: Check.SERVICE,
    e.MissingHeader: Check.HEADERS,
    e.NotFound: Check.RECORD,
    e.NoRelationship: Check.RELATIONSHIP,
    e.HistoryNotSupported: Check.VERSION,
    e.VersionConflict: Check.VERSION,
    e.OldVersion: Check.VERSION,
    e.RecordLocked: Check.STATE,
    e.InvalidRequestState: Check.STATE,
    w.MalformedJson: Check.JSON,
    w.Unreadable: Check.BODY,
}
"""The check of each family of errors; an error belongs to its nearest class."""


def check_of(error: OpenersError) -> Check:
    """Return the check that raises `error`."""
    return next(CHECKS[each] for each in type(error).__mro__ if each in CHECKS)
