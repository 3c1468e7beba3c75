"""The columns that put a referral on worklists, written together with its value.

Source: rules chapter 4 (A008); `openers.domain.referral_worklists` decides which list a referral is on.
"""

from __future__ import annotations

from typing import Final

from openers.domain.referral import Referral
from openers.domain.referral_worklists import (
    RANKS,
    assigned_clinician,
    letter_list,
    provider_list,
    referrer_list,
    waiting_since,
)
from openers.store.engine.statements import Value, micros

LISTED: Final = (
    "provider_list",
    "referrer_list",
    "letter_list",
    "rank",
    "since",
    "service",
    "specialty",
    "site",
    "clinician",
)
"""The column names."""
NOBODY: Final = ""
"""Value of `clinician` for no clinician. It is not null, so both databases find it by index."""


def listing_of(referral: Referral) -> dict[str, Value]:
    """Return the worklist columns of a referral."""
    held = referral.appointment
    return {
        "provider_list": provider_list(referral),
        "referrer_list": referrer_list(referral),
        "letter_list": letter_list(referral),
        "rank": RANKS[referral.priority],
        "since": micros(waiting_since(referral)),
        "service": None if held is None else int(held.service.id),
        "specialty": None if held is None else held.specialty,
        "site": None if held is None else held.site,
        "clinician": assigned_clinician(referral) or NOBODY,
    }
