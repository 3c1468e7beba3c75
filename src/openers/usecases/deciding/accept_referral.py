"""Accept a booked referral (A013): it leaves the review list and stays booked. Source: rules 4 (A013)."""

from __future__ import annotations

from openers.domain.decision import Decision
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.deciding.decide import DecisionCommand
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class AcceptReferral(DecisionCommand, frozen=True, kw_only=True):
    """The decision to accept; it has no other content."""

    @property
    def act(self) -> Act:
        """The act: accept."""
        return Act.ACCEPT

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return a decision that changes nothing else."""
        return Decision(act=self.act)
