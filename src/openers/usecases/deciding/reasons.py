"""Reasons from the dynamic code systems: which of them a caller may give for an act, and which need a comment.

Source: rules chapters 4 (A014, A034, A036) and 5.1.
"""

from __future__ import annotations

from openers.domain.codes import Concept
from openers.domain.principal import Principal
from openers.usecases.world import World


def may_give(reason: Concept, by: Principal, usage: tuple[str, str], world: World) -> bool:
    """Return whether `by` may give the reason today. `usage` is a property and the value that it must have."""
    name, value = usage
    return (
        value in reason.values(name)
        and by.function in reason.values("businessFunction")
        and reason.effective_on(world.clock.now().date())
    )


def demands_comment(reason: Concept) -> bool:
    """Return whether the reason needs a comment."""
    return True in reason.values("commentIsMandatory")
