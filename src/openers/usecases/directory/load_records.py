"""Load records with given ids and versions into a world, in one transaction.

Prefer the service's own operations; this is for states that no operation can produce. `worlds.running.loader` calls it.
"""

from __future__ import annotations

import msgspec

from openers.domain.advice import Conversation
from openers.domain.attachments import UploadedFile
from openers.domain.referral import Referral
from openers.domain.slots import Slot
from openers.usecases.world import World


class KeptReferral(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A referral and its version."""

    version: int
    value: Referral


class KeptConversation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for advice and its version."""

    version: int
    value: Conversation


class LoadRecords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The records to load. `files` are loaded without content.

    `numbers` gives the last number used in each series (ubrn, appointment, communication, attachment, slot).
    """

    referrals: tuple[KeptReferral, ...] = ()
    conversations: tuple[KeptConversation, ...] = ()
    slots: tuple[Slot, ...] = ()
    files: tuple[UploadedFile, ...] = ()
    numbers: dict[str, int] = {}


async def load_records(command: LoadRecords, world: World) -> None:
    """Load everything or nothing. The keys must be new."""
    if command == LoadRecords():
        return
    async with world.begin("load records") as tx:
        for slot in command.slots:
            await tx.records.slot(slot)
        for referral in command.referrals:
            await tx.records.referral(referral.value, referral.version)
        for conversation in command.conversations:
            await tx.records.conversation(conversation.value, conversation.version)
        for file in command.files:
            await tx.files.add(file)
        for series, last in command.numbers.items():
            await tx.records.last_number(series, last)
