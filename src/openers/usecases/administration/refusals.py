"""Refusals of the administration: each names its cause, its place in the request and its cure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from openers.domain.errors import Conflict, Refused
from openers.domain.services.publishing import Finding


class Difference(msgspec.Struct, frozen=True):
    """One value in which a sent record differs from the stored one; `place` is a JSON pointer."""

    place: str
    sent: Any
    stored: Any


class AdministrationRefused(Refused):
    """A call of the administration is refused. `place` is a JSON pointer, a parameter or a header."""

    source = "wave 2, chapter 3"

    def __init__(self, cause: str, place: str, cure: str) -> None:
        """Store cause, place and cure, each as text for people."""
        super().__init__(cause, place, cure)
        self.cause, self.place, self.cure = cause, place, cure


class Malformed(AdministrationRefused):
    """A header, a parameter or the body cannot be read."""


class Unfit(AdministrationRefused):
    """A value of the record breaks a rule."""


class Missing(Unfit):
    """The record refers to another one that does not exist. `resource` and `key` name that record."""

    def __init__(self, cause: str, place: str, cure: str, refers: tuple[str, str]) -> None:
        """Store cause, place and cure, and resource and key of the record that is missing."""
        super().__init__(cause, place, cure)
        self.resource, self.key = refers


class NotYet(Unfit):
    """The record comes after too many others of the same request."""


class NotAllowed(AdministrationRefused):
    """The caller may not do this."""


class LogIsOff(AdministrationRefused):
    """The service does not log exchanges."""


class NoSuchRecord(AdministrationRefused):
    """There is no such record, or the caller may not see it."""


class NotEndable(AdministrationRefused):
    """Records of this kind do not end in this way."""


class VersionNeeded(AdministrationRefused):
    """The record exists, and the caller does not say which version it replaces."""


class KeyReused(AdministrationRefused):
    """The same idempotency key was sent with another request."""


class NotPublishable(Unfit):
    """A draft does not pass the checks of publishing. `findings` are all of them, errors first."""

    def __init__(self, found: Sequence[Finding]) -> None:
        """Store the findings; the first one gives cause, place and cure."""
        first = found[0]
        super().__init__(first.cause, first.place, first.cure)
        self.findings = tuple(found)


class PasFailed(AdministrationRefused):
    """The PAS of a service did not reply as it should."""


class Outdated(Conflict):
    """The record was changed by another caller. `version` is the present one; 0 if there is no record."""

    source = "wave 2, chapter 3"

    def __init__(self, version: int, differences: Sequence[Difference]) -> None:
        """Store the present version and how the sent record differs from it."""
        super().__init__(version, differences)
        self.version, self.differences = version, differences


def differences(sent: Any, stored: Any, place: str = "") -> list[Difference]:
    """Return the places in which two values of plain JSON differ."""
    if not isinstance(sent, dict) or not isinstance(stored, dict):
        return [] if sent == stored else [Difference(place, sent, stored)]
    here, there = cast("dict[str, Any]", sent), cast("dict[str, Any]", stored)
    return [
        found
        for name in dict.fromkeys((*here, *there))
        for found in differences(here.get(name), there.get(name), f"{place}/{name}")
    ]
