"""Create a referral from a shortlist, unbooked (A011) or sent straight to its one triage service (A021).

Called by `api/operations/a011_create_referral.py` and `a021_...`; the rules on the search are those of A010.
Source: rules chapter 4 (A011, A021), 11.2 row 23.
"""

from __future__ import annotations

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention
from openers.domain.identifiers import NhsNumber, ServiceId, UserId
from openers.domain.principal import Principal
from openers.domain.search import SearchCriteria


class CreateReferral(msgspec.Struct, frozen=True, kw_only=True):
    """What the referrer sent, parsed. `send_for_triage` makes it A021."""

    by: Principal
    patient: NhsNumber
    criteria: SearchCriteria
    services: tuple[ServiceId, ...]
    letter_intention: LetterIntention
    reminder_days: int
    referring_clinician: UserId | None = None
    pathway_start: Instant | None = None
    send_for_triage: bool = False
