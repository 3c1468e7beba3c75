"""Whether the service that holds a referral has to review it, and the changes since its last review.

Acts of the lifecycle change this part of the referral; the worklists read it. Source: rules chapter 4 (A008, A013,
A028).
"""

from __future__ import annotations

from typing import Self

import msgspec

from openers.domain.codes import RequestContext
from openers.domain.identifiers import ServiceId


class Review(msgspec.Struct, frozen=True, omit_defaults=True):
    """The review status. `reviewed_by` is the service of the last review; the changes are those since then."""

    pending: bool = False
    reviewed_by: ServiceId | None = None
    letter_changed: bool = False
    priority_changed: bool = False

    def asked_of(self, service: ServiceId) -> Self:
        """Return the status after the request is sent to `service`; a review by another service does not count."""
        if service == self.reviewed_by:
            return msgspec.structs.replace(self, pending=True)
        return type(self)(pending=True)

    def recorded_by(self, service: ServiceId) -> Self:
        """Return the status after a review by `service`."""
        return type(self)(reviewed_by=service)

    def withdrawn(self) -> Self:
        """Return the status with nothing to review."""
        return msgspec.structs.replace(self, pending=False)

    def after_change(self, *, letter: bool = False, priority: bool = False) -> Self:
        """Return the status after a change of letter or priority: an earlier review has to be repeated."""
        if self.reviewed_by is None:
            return self
        return msgspec.structs.replace(
            self,
            pending=True,
            letter_changed=self.letter_changed or letter,
            priority_changed=self.priority_changed or priority,
        )

    @property
    def context(self) -> RequestContext:
        """Why the request needs a review."""
        match self.priority_changed, self.letter_changed:
            case True, True:
                return RequestContext.PRIORITY_AND_LETTER_CHANGED
            case True, False:
                return RequestContext.PRIORITY_CHANGED
            case False, True:
                return RequestContext.LETTER_CHANGED
            case _:
                return RequestContext.NEVER_REVIEWED
