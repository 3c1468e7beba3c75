"""Checks the assurance levels that the gateway demands of a log-in.

This module does no input or output; the edge calls it for every user-restricted request. Source: rules chapters 2.2 and
2.3 (IAL 3; AAL 2 or 3).
"""

from __future__ import annotations

from typing import Final

from openers.domain.directory import Assurance

IDENTITY_LEVEL_NEEDED: Final = 3
AUTHENTICATOR_LEVELS_ACCEPTED: Final = frozenset({2, 3})


def identity_is_verified(assurance: Assurance) -> bool:
    """Return whether the person's identity is verified to the required level."""
    return assurance.identity_level >= IDENTITY_LEVEL_NEEDED


def method_is_accepted(assurance: Assurance) -> bool:
    """Return whether the authenticator level is one of those accepted."""
    return assurance.authenticator_level in AUTHENTICATOR_LEVELS_ACCEPTED
