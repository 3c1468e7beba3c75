"""Change the shortlist of a referral: unbooked again (A031), or sent at once to its one triage service (A032).

Source: rules chapter 4 (A031, A032) and 3.1; the rules on the shortlist are those of A011.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.codes import ReviewReason
from openers.domain.directory import Service
from openers.domain.errors import (
    Field,
    FieldNotPermitted,
    FieldRefused,
    InappropriateValue,
    InvalidValue,
    MissingValue,
    NoRegGpPractice,
    PatientError,
    ReferencedUserIsNotActive,
    ReferencedUserIsNotSpc,
    ReferencedUserNotInOrg,
    ReferenceNotFound,
    ShortlistedServiceNotInResults,
    ValueIsRequired,
)
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral, ShortlistChange, letter_due
from openers.usecases.booking.propose_appointment import Asked, propose
from openers.usecases.directory.service_criteria import SearchSubject
from openers.usecases.directory.shortlist_services import ShortlistChoice, find_services, shortlist_of
from openers.usecases.events.recording import record_event
from openers.usecases.finding import ReferralChange, find_to_change
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.referring.remind_patient import plan_reminder
from openers.usecases.world import World

NARROWED: Final[dict[type[FieldRefused], type[FieldRefused]]] = {
    ValueIsRequired: MissingValue,
    FieldNotPermitted: InappropriateValue,
    ReferencedUserIsNotActive: InappropriateValue,
    ReferencedUserIsNotSpc: InappropriateValue,
    ReferencedUserNotInOrg: InappropriateValue,
    NoRegGpPractice: PatientError,
    ReferenceNotFound: InvalidValue,
}
"""Refusals of a search that A031 does not list, with the one that A031 uses instead (rules 4, A031)."""


class ChangeShortlist(ReferralChange, frozen=True, kw_only=True):
    """The referral, and the new choice of its referrer."""

    choice: ShortlistChoice

    @property
    def act(self) -> Act:
        """The act of A031 or A032."""
        return Act.CHANGE_SHORTLIST_FOR_TRIAGE if self.choice.send_for_triage else Act.CHANGE_SHORTLIST


async def change_shortlist(command: ChangeShortlist, world: World) -> Stored[Referral]:
    """Change the shortlist, or nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked.
    """
    act, choice = command.act, command.choice
    choice.check()
    world.entry.services = choice.services
    async with world.begin(act, lock=(command.ubrn,)) as tx:
        stored = await find_to_change(command, world, tx)
        referral, now = stored.value, world.clock.now()
        referral.check(act, now)
        services = await _find_services(choice, referral, world, tx)
        change = ShortlistChange(
            shortlist=shortlist_of(choice, services),
            letter_intention=choice.letter_intention,
            reminder_days=choice.reminder_days,
            letter_due=letter_due(choice.letter_intention, choice.criteria.priority, now),
        )
        changed = referral.change_shortlist(change, now)
        if choice.send_for_triage:
            proposed = await propose(Asked(services[0], changed.priority, ReviewReason.TRIAGE, now), world, tx)
            changed = changed.ask(Act.SEND_FOR_TRIAGE, proposed, services[0].workgroup)
        kept = await tx.referrals.put(stored, changed)
        await plan_reminder(changed, world, tx)
        await record_event(tx, world, act, kept)
        return kept


async def _find_services(choice: ShortlistChoice, referral: Referral, world: World, tx: Tx) -> Sequence[Service]:
    """Return the chosen services, by the referral's own commissioning rules. Raises the refusals that A031 lists."""
    subject = SearchSubject(
        by=choice.by,
        patient=referral.patient,
        referring_clinician=None,
        rule_organisation=referral.commissioning_organisation,
        has_referral=True,
    )
    try:
        return await find_services(choice, subject, world, tx)
    except FieldRefused as error:
        raise _narrowed(error) from error


def _narrowed(error: FieldRefused) -> FieldRefused:
    kind = NARROWED.get(type(error), type(error))
    if isinstance(error, ReferenceNotFound) and error.field is Field.SHORTLISTED_SERVICE:
        kind = ShortlistedServiceNotInResults
    return kind(error.field, error.value, error.hint, error.index)
