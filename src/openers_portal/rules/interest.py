"""The interest list: people who want news by e-mail. Nobody is on it before the link in a message was followed.

Source: FAQ of 1 June 2018, question 3; rules part 2, chapter 11.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from openers_portal.rules.mail import Mail

KEPT: Final = timedelta(days=7)
"""How long an address waits for its confirmation; then it is deleted."""
MOST_A_DAY: Final = 3
"""Messages of confirmation to one address in a day."""
MOST_AN_HOUR: Final = 20
"""Messages that callers from one network address can cause in an hour."""


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants news."""

    email: str
    name: str = ""
    organisation: str = ""


def confirmation(interest: Interest, link: str) -> Mail:
    """Return the message that asks whether a person wants news."""
    text = (
        f"You, or another person, asked the OpenERS partner portal for news at {interest.email}.\n\n"
        f"Confirm it here:\n{link}\n\n"
        f"If you did not ask, ignore this message: the address is deleted after {KEPT.days} days.\n"
    )
    return Mail(to=interest.email, subject="Confirm your address", text=text)


def announcement(interest: Interest, title: str, page: str, leave: str) -> Mail:
    """Return the message about a notice."""
    text = f"{title}\n\nRead it here:\n{page}\n\nYou asked for news by e-mail. Stop them here:\n{leave}\n"
    return Mail(to=interest.email, subject=" ".join(title.split()), text=text, leave=leave)


def key_of(email: str) -> str:
    """Return the form of an address under which it is on the list once."""
    return email.strip().casefold()
