"""The two kinds of request, each with its table; a separate module, since each refers to the other (rules 2.7)."""

from __future__ import annotations

from typing import Final

from openers.domain.advice import Conversation
from openers.domain.advice_lifecycle import OPEN
from openers.domain.referral import Referral
from openers.store.engine.statements import Value
from openers.store.engine.tables import conversations, referrals
from openers.store.records.requests import RequestTable
from openers.store.records.worklist_columns import listing_of


def _of_referral(referral: Referral) -> dict[str, Value]:
    appointment = referral.appointment
    return {
        **listing_of(referral),
        "appointment": None if appointment is None else int(appointment.id),
        "slot": None if appointment is None or appointment.slot is None else int(appointment.slot),
    }


def _of_conversation(conversation: Conversation) -> dict[str, Value]:
    return {
        "listed": int(conversation.state in OPEN),
        "service": int(conversation.service.id),
        "specialty": conversation.specialty,
        "location": conversation.site,
        "clinician": conversation.criteria.named_clinician,
    }


REFERRALS: Final = RequestTable(referrals, Referral, "referral", _of_referral)
CONVERSATIONS: Final = RequestTable(conversations, Conversation, "request for advice", _of_conversation)
