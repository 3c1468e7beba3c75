"""The columns by which a referral is found on worklists: they follow from its value, in the same write.

Source: rules chapter 4 (A008); what is on which list says `openers.domain.referral_worklists`.
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
"""Their names."""
NOBODY: Final = ""
"""What stands for no clinician: a value like another, since an index finds that alike on both databases."""


def listing_of(referral: Referral) -> dict[str, Value]:
    """The columns of a referral."""
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
