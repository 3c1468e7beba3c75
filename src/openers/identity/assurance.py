"""Whether a log-in is good enough for the gateway. Pure; the edge calls it for every user-restricted request.

Source: rules chapters 2.2 and 2.3 (IAL 3; AAL 2 or 3).
"""

from __future__ import annotations

from typing import Final

from openers.domain.directory import Assurance

IDENTITY_LEVEL_NEEDED: Final = 3
AUTHENTICATOR_LEVELS_ACCEPTED: Final = frozenset({2, 3})


def identity_is_verified(assurance: Assurance) -> bool:
    """Whether it is known surely enough who the person is."""
    return assurance.identity_level >= IDENTITY_LEVEL_NEEDED


def method_is_accepted(assurance: Assurance) -> bool:
    """Whether the way of logging in is strong enough."""
    return assurance.authenticator_level in AUTHENTICATOR_LEVELS_ACCEPTED
