"""A decision on a referral: stored in a claim during a call to a PAS, then carried out by `Referral.decide`.

One type serves A013, A014, A022, A028, A034 and A036. Source: rules chapter 4.
"""

from __future__ import annotations

import msgspec

from openers.domain.appointment import CancellationReason, ReviewResult, Specialty
from openers.domain.attachments import Attachment
from openers.domain.codes import Priority
from openers.domain.identifiers import OdsCode
from openers.domain.lifecycle import Act


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The act and its details.

    `reason` is the reason of the act. If the whole referral is cancelled, `booking_reason` is the reason on its
    cancelled booking. `priority` replaces the referral's; `attachments` are added to its own. `cancelled_in_pas` says
    whether the provider has cancelled a booking by telephone in its PAS. `specialty` is the specialty of a cancelled
    referral that was never sent to a service. `organisation` is the organisation that cancels the whole referral.
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
