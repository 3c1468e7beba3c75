"""What somebody has decided on a referral: kept in a claim while a PAS is asked, and carried out by `Referral.decide`.

One value for A013, A014, A022, A028, A034 and A036. Source: rules chapter 4.
"""

from __future__ import annotations

import msgspec

from openers.domain.appointment import CancellationReason, ReviewResult, Specialty
from openers.domain.attachments import Attachment
from openers.domain.codes import Priority
from openers.domain.identifiers import OdsCode
from openers.domain.lifecycle import Act


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The act, and what goes with it.

    `reason` is why; `booking_reason` is what a cancelled booking says instead where the whole referral is cancelled.
    `priority` replaces the referral's, `attachments` join its own. `cancelled_in_pas` is what is told of a booking by
    telephone, `specialty` is that of a cancelled referral which no service was asked for, `organisation` that of who
    cancels the whole referral.
    """

    act: Act
    reason: CancellationReason | ReviewResult | None = None
    comment: str | None = None
    priority: Priority | None = None
    booking_reason: CancellationReason | None = None
    cancelled_in_pas: bool | None = None
    attachments: tuple[Attachment, ...] = ()
    specialty: Specialty | None = None
    organisation: OdsCode | None = None
