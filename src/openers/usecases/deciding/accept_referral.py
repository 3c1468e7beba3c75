"""Accept a booked referral (A013): it leaves the review list and stays booked. Source: rules 4 (A013)."""

from __future__ import annotations

from openers.domain.decision import Decision
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.deciding.decide import Wish
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class AcceptReferral(Wish, frozen=True, kw_only=True):
    """Nothing is said with it."""

    @property
    def act(self) -> Act:
        """Accept."""
        return Act.ACCEPT

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """It stays as it is."""
        return Decision(act=self.act)
