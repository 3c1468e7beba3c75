"""Respond to a request for advice, or ask its referrer for more (A026). Source: rules 4 (A026), 11.2 rows 20 and 38."""

from __future__ import annotations

from typing import Final

from openers.domain.advice import Conversation, GuidanceOutcome, MessageText, Progress, Recommendation, SentBy
from openers.domain.advice_lifecycle import AdviceAct
from openers.domain.attachments import AttachmentType
from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.errors import InappropriateValue, ValueIsRequired
from openers.domain.fields import Field
from openers.usecases.advice.converse import (
    ChangeOfAdvice,
    MessageDraft,
    SentMessages,
    asked_service,
    check_priority,
    keep,
    responder,
)
from openers.usecases.files.attach_files import NamedFile, Target, attach_files, check_named_once, locks_of
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

ACTS: Final = {
    GuidanceOutcome.RETURN_TO_REFERRER_WITH_ADVICE: AdviceAct.ADVISE,
    GuidanceOutcome.REQUIRE_FURTHER_INFORMATION: AdviceAct.REQUIRE_INFORMATION,
}
"""The two outcomes that A026 accepts; the third belongs to A027 (rules 4, A026)."""
_TYPE: Final = AttachmentType.GUIDANCE_RESPONSE


class SendResponse(ChangeOfAdvice, frozen=True, kw_only=True):
    """The provider's message, its outcome, and the new priority."""

    outcome: GuidanceOutcome
    text: MessageText
    priority: Priority
    recommendation: Recommendation | None = None
    files: tuple[NamedFile, ...] = ()

    def check(self) -> AdviceAct:
        """Check everything that needs no stored data, and return the act of the outcome. Raises a `FieldRefused`."""
        act = ACTS.get(self.outcome)
        if act is None:
            raise InappropriateValue(Field.GUIDANCE_OUTCOME, self.outcome, f"must be {' or '.join(ACTS)}")
        if act is AdviceAct.ADVISE and self.recommendation is None:
            raise ValueIsRequired(Field.RECOMMENDATION, hint=f"{self.outcome} needs it")
        if act is not AdviceAct.ADVISE and self.recommendation is not None:
            raise InappropriateValue(Field.RECOMMENDATION, self.recommendation, f"does not go with {self.outcome}")
        check_named_once(self.files, _TYPE, Field.GUIDANCE_FILE)
        return act


async def send_response(command: SendResponse, world: World) -> SentMessages:
    """Send the response to the referrer, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked.
    """
    act, now = command.check(), world.clock.now()
    async with world.begin(act, lock=(command.ubrn, *locks_of(command.files))) as tx:
        stored = await command.find(world, tx)
        conversation = stored.value
        conversation.check(act)
        check_priority(await asked_service(conversation, tx), command.priority, Field.UPDATED_PRIORITY)
        message = await (await _draft(command, conversation, now, world, tx)).send(tx)
        new = conversation.proceed(act, Progress((message,), command.priority))
        return SentMessages(await keep(stored, new, act, world, tx), (message,))


async def _draft(command: SendResponse, conversation: Conversation, now: Instant, world: World, tx: Tx) -> MessageDraft:
    target = Target(command.ubrn, Field.GUIDANCE_FILE, _TYPE, conversation.files, command.by)
    return MessageDraft(
        by=command.by,
        sender=responder(command.by),
        sent_by=SentBy.RESPONDER,
        text=command.text,
        at=now,
        attachments=await attach_files(command.files, target, world, tx),
        recommendation=command.recommendation,
    )
