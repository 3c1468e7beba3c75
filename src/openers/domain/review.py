"""Whether a referral is to be reviewed by the service that holds it, and what has changed since it last was.

One small value on the referral; acts of the lifecycle move it. The worklists read it. Source: rules chapter 4 (A008,
A013, A028).
"""

from __future__ import annotations

from typing import Self

import msgspec

from openers.domain.codes import RequestContext
from openers.domain.identifiers import ServiceId


class Review(msgspec.Struct, frozen=True, omit_defaults=True):
    """`reviewed_by` is the service that reviewed it last; the changes are those since then."""

    pending: bool = False
    reviewed_by: ServiceId | None = None
    letter_changed: bool = False
    priority_changed: bool = False

    def asked_of(self, service: ServiceId) -> Self:
        """The request is before `service`, for which a review by another one is none."""
        if service == self.reviewed_by:
            return msgspec.structs.replace(self, pending=True)
        return type(self)(pending=True)

    def recorded_by(self, service: ServiceId) -> Self:
        """`service` has reviewed it."""
        return type(self)(reviewed_by=service)

    def withdrawn(self) -> Self:
        """There is nothing to review for now."""
        return msgspec.structs.replace(self, pending=False)

    def after_change(self, *, letter: bool = False, priority: bool = False) -> Self:
        """Letter or priority has changed: who has reviewed it is to do so again."""
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
        """Why it is to be reviewed."""
        match self.priority_changed, self.letter_changed:
            case True, True:
                return RequestContext.PRIORITY_AND_LETTER_CHANGED
            case True, False:
                return RequestContext.PRIORITY_CHANGED
            case False, True:
                return RequestContext.LETTER_CHANGED
            case _:
                return RequestContext.NEVER_REVIEWED
