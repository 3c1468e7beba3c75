"""A referrer ends a conversation (X002, which the real API lacks): closes it after a response, or withdraws it before.

Closing asks two questions that measure the service: did the advice avoid a referral, and was it useful? Source: rules
chapter 3.3; ADR 0035.
"""

from __future__ import annotations

from openers.domain.advice import CloseOut, Conversation
from openers.domain.advice_lifecycle import AdviceAct, AdviceState
from openers.domain.errors import FieldNotPermitted, ValueIsRequired
from openers.domain.fields import Field
from openers.usecases.advice.converse import ChangeOfAdvice, keep
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World

_BEFORE_RESPONSE = frozenset(
    {AdviceState.PROVIDER_RESPONSE_REQUIRED, AdviceState.REFERRER_TO_SUBMIT_FURTHER_INFORMATION}
)


class CloseAdvice(ChangeOfAdvice, frozen=True, kw_only=True):
    """The referrer's closing feedback, which only follows a response, and an optional comment."""

    referral_avoided: bool | None = None
    advice_useful: bool | None = None
    comment: str | None = None

    def close_out(self, act: AdviceAct) -> CloseOut:
        """Return the feedback to store.

        Raises ValueIsRequired, or FieldNotPermitted if the provider has not responded.
        """
        answers = ((Field.REFERRAL_AVOIDED, self.referral_avoided), (Field.ADVICE_USEFUL, self.advice_useful))
        for field, answer in answers:
            if act is AdviceAct.CLOSE and answer is None:
                raise ValueIsRequired(field, hint="the provider has responded: answer true or false")
            if act is AdviceAct.WITHDRAW and answer is not None:
                raise FieldNotPermitted(field, answer, "is only for a request that the provider has responded to")
        return CloseOut(referral_avoided=self.referral_avoided, advice_useful=self.advice_useful, comment=self.comment)


async def close_advice(command: CloseAdvice, world: World) -> Stored[Conversation]:
    """End the conversation, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked.
    """
    async with world.begin(AdviceAct.CLOSE, lock=(command.ubrn,)) as tx:
        stored = await command.find(world, tx)
        act = AdviceAct.WITHDRAW if stored.value.state in _BEFORE_RESPONSE else AdviceAct.CLOSE
        stored.value.check(act)
        world.entry.act = act
        return await keep(stored, stored.value.end(act, command.close_out(act)), act, world, tx)
