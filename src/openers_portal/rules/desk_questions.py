"""Questions to the desk without a log-in: the desk sees one only after the link in a message was followed.

Source: FAQ of 1 June 2018, questions 4, 5 and 7.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

import msgspec

from openers_portal.rules.interest import key_of
from openers_portal.rules.mail import Mail

KEPT: Final = timedelta(days=7)
"""How long a question waits for its confirmation; then it is deleted."""
MOST_A_DAY: Final = 3
"""Questions of one e-mail address in a day."""


class DeskQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question that waits for its confirmation."""

    email: str
    name: str
    title: str
    text: str


def confirmation(question: DeskQuestion, link: str) -> Mail:
    """Return the message that asks whether the question is from the owner of the address."""
    text = (
        f"You, or another person, asked the desk of the OpenERS partner portal in the name of {question.email}:\n\n"
        f"{question.title}\n\n"
        f"Send it to the desk, and read the answer later, here:\n{link}\n\n"
        f"If you did not ask, ignore this message: the question is deleted after {KEPT.days} days.\n"
    )
    return Mail(to=question.email, subject="Confirm your question", text=text)


def answered(email: str, number: str, link: str) -> Mail:
    """Return the message that the desk has written."""
    text = f"The desk has written about {number}.\n\nRead it, and reply, here:\n{link}\n"
    return Mail(to=email, subject=f"{number}: the desk has written", text=text)


def once(email: str, at: datetime, number: int) -> str:
    """Return the name of the message to an address: each day has a few."""
    return f"ask {hashlib.sha256(key_of(email).encode()).hexdigest()} {at:%Y-%m-%d} {number}"
