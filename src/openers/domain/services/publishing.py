"""The sixteen checks of publishing: each finding names its cause, its place in the draft and its cure.

Findings of two checks are only warnings. Source: rules part 3, chapter A.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.codes import AppointmentType, BookableType, Priority
from openers.domain.directory import Site, User
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.domain.principal import SPC
from openers.domain.services.draft import ServiceDraft

LONGEST_NAME: Final = 255
OLDEST: Final = 130
"""The highest age, in years, that a service can name."""
MOST_RESERVED_DAYS: Final = 2


class PublishCheck(StrEnum):
    """A check of publishing."""

    NAME = "NAME"
    LOCATION = "LOCATION"
    CLINIC_TYPES = "CLINIC_TYPES"
    REQUEST_TYPES = "REQUEST_TYPES"
    PRIORITIES = "PRIORITIES"
    SUSPECTED_CANCER = "SUSPECTED_CANCER"
    AGES_AND_SEX = "AGES_AND_SEX"
    DATES = "DATES"
    APPOINTMENT_TYPE = "APPOINTMENT_TYPE"
    SLOTS = "SLOTS"
    COMMISSIONING = "COMMISSIONING"
    RESTRICTION = "RESTRICTION"
    CLINICIANS = "CLINICIANS"
    LETTER = "LETTER"
    NAMED_CONSULTANT = "NAMED_CONSULTANT"
    CONTACTS = "CONTACTS"


WARNINGS: Final = frozenset({PublishCheck.SUSPECTED_CANCER, PublishCheck.NAMED_CONSULTANT})
"""Checks whose findings do not prevent publishing."""


class Finding(msgspec.Struct, frozen=True):
    """What a check has found. `place` is a JSON pointer into the draft."""

    check: PublishCheck
    cause: str
    place: str
    cure: str

    @property
    def is_warning(self) -> bool:
        """Whether the service can be published all the same."""
        return self.check in WARNINGS


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks need to know beside the draft.

    `namesakes` are other services with the name. `pairs` are the draft's pairs that are valid today, `cancer` those of
    them for suspected cancer. `people` are the draft's clinicians and referrers who exist, `organisations` those that
    it lists, `services` the live ones of its pathways.
    """

    today: date
    site: Site | None
    namesakes: frozenset[ServiceId]
    pairs: frozenset[tuple[str, str]]
    cancer: frozenset[tuple[str, str]]
    linked: bool
    people: dict[UserId, User]
    organisations: frozenset[OdsCode]
    services: frozenset[ServiceId]


_Found = Iterator[tuple[str, str, str]]
"""Cause, place and cure of each finding of one check."""


def findings(draft: ServiceDraft, known: Known) -> list[Finding]:
    """Return what keeps a draft from being published, and the warnings, in the order of the checks."""
    return [Finding(check, *found) for check, run in _CHECKS.items() for found in run(draft, known)]


def _name(draft: ServiceDraft, known: Known) -> _Found:
    if not draft.name.strip() or len(draft.name) > LONGEST_NAME:
        yield "the service has no usable name", "/name", f"enter a name of 1 to {LONGEST_NAME} characters"
    for other in sorted(known.namesakes):
        yield f"service {other} has this name", "/name", "enter a service name that no other service uses"


def _location(draft: ServiceDraft, known: Known) -> _Found:
    site = known.site
    if site is None or site.organisation != draft.organisation:
        yield f"{draft.site} is not a site of {draft.organisation}", "/site", "choose one of your locations"
    elif site.is_closed(known.today):
        yield f"the site {draft.site} has closed", "/site", "choose one of your open locations"


def _clinic_types(draft: ServiceDraft, known: Known) -> _Found:
    if not draft.clinic_types:
        yield "the service has no clinic type", "/clinic_types", "choose at least one specialty with a clinic type"
    for index, pair in enumerate(draft.clinic_types):
        if pair not in known.pairs:
            cure = "choose a specialty and a clinic type of it that are in use (A004)"
            yield f"{pair[1]} is not a clinic type of {pair[0]} in use", f"/clinic_types/{index}", cure


def _request_types(draft: ServiceDraft, _known: Known) -> _Found:
    if not draft.flows:
        yield "the service accepts no kind of request", "/flows", "choose at least one request type"
    if draft.takes_appointments and draft.takes_triage:
        cure = "leave one of them out"
        yield "a service cannot take both appointment and triage requests", "/flows", cure


def _priorities(draft: ServiceDraft, _known: Known) -> _Found:
    if (draft.takes_appointments or draft.takes_triage) and not draft.priorities:
        yield "the service accepts no priority", "/priorities", "choose at least one priority"


def _suspected_cancer(draft: ServiceDraft, known: Known) -> _Found:
    if Priority.TWO_WEEK_WAIT in draft.priorities and known.pairs and not known.cancer:
        cure = "choose a clinic type for suspected cancer, or leave the priority out"
        yield "no clinic type of the service is for suspected cancer", "/priorities", cure


def _ages_and_sex(draft: ServiceDraft, _known: Known) -> _Found:
    if draft.gender is None:
        yield "the sex that the service treats is not chosen", "/gender", "choose MALE, FEMALE or MALE_AND_FEMALE"
    if draft.ages is None:
        yield "the ages that the service treats are not chosen", "/ages", "enter the ages, or {} for all ages"
        return
    for name, age in (("lowest", draft.ages.lowest), ("highest", draft.ages.highest)):
        if age is not None and not 0 <= age <= OLDEST:
            yield f"the {name} age is not between 0 and {OLDEST}", f"/ages/{name}", "enter whole years"
    if None not in (low := draft.ages.lowest, high := draft.ages.highest) and (low or 0) > (high or 0):
        yield "the lowest age is above the highest", "/ages/lowest", "exchange the two"


def _dates(draft: ServiceDraft, known: Known) -> _Found:
    if draft.opens_on is not None and draft.closes_on is not None and draft.opens_on > draft.closes_on:
        yield "the service closes before it opens", "/closes_on", "enter a day on or after its first day"
    elif draft.closes_on is not None and draft.closes_on < known.today:
        yield "the last day of the service has passed", "/closes_on", "enter a later day, or leave it out"


def _appointment_type(draft: ServiceDraft, _known: Known) -> _Found:
    if draft.takes_appointments and draft.appointment_type is None:
        cure = f"choose {', '.join(AppointmentType)}"
        yield "the service takes appointment requests without a type of appointment", "/appointment_type", cure


def _slots(draft: ServiceDraft, known: Known) -> _Found:
    rules = draft.slot_rules
    if draft.booked_how(linked=known.linked) is not BookableType.DIRECTLY_BOOKABLE:
        if known.linked and draft.takes_appointments:
            cure = "make it directly bookable, or end the link"
            yield "the service is linked to a PAS and not directly bookable", "/bookable", cure
        return
    if not known.linked:
        cure = "link it: openers admin service link-pas, or make it INDIRECTLY_BOOKABLE"
        yield "a directly bookable service has no PAS", "/bookable", cure
    if rules is None:
        return
    if rules.polling_range_days is not None and rules.polling_range_days < 1:
        yield "the polling range is shorter than a day", "/slot_rules/polling_range_days", "enter 1 day or more"
    if not 0 <= rules.reservation_days <= MOST_RESERVED_DAYS:
        yield "the reservation is out of range", "/slot_rules/reservation_days", "enter 0, 1 or 2 days"
    for priority, each in sorted(rules.windows.items()):
        ends = each.ends_after_days
        if each.starts_after_hours < 1 or (ends is not None and ends * 24 <= each.starts_after_hours):
            place = f"/slot_rules/windows/{priority}"
            yield f"the booking window of {priority} is empty", place, "begin after 1 hour or more, and end later"


def _commissioning(draft: ServiceDraft, known: Known) -> _Found:
    if draft.commissioning is None:
        cure = "make it nationally available, or let commissioners decide: nationally_available false"
        yield "it is not decided who may refer", "/commissioning", cure
        return
    for each in sorted(draft.commissioning.organisations - known.organisations):
        yield f"there is no organisation {each}", "/commissioning/organisations", "name registered organisations"


def _restriction(draft: ServiceDraft, known: Known) -> _Found:
    if draft.restriction is None:
        return
    if not draft.restriction.reason.strip():
        yield "the service is restricted without a reason", "/restriction/reason", "enter the reason"
    if not draft.restriction.has_pathway:
        cure = "name referrers, organisations or services"
        yield "no organisation may refer to the restricted service", "/restriction", cure
    for who in sorted(draft.restriction.referrers - known.people.keys()):
        yield f"there is no person {who}", "/restriction/referrers", "name registered people"
    for where in sorted(draft.restriction.organisations - known.organisations):
        yield f"there is no organisation {where}", "/restriction/organisations", "name registered organisations"
    for each in sorted(draft.restriction.services - known.services):
        yield f"there is no service {each}", "/restriction/services", "name live services"


def _clinicians(draft: ServiceDraft, known: Known) -> _Found:
    if draft.workgroup is None or not draft.workgroup.startswith(f"{draft.organisation}/"):
        yield "the service has no workgroup of its organisation", "/workgroup", f"enter {draft.organisation}/name"
    for each in sorted(draft.clinicians - draft.allocated_clinicians):
        yield f"{each} is named and not allocated", "/clinicians", "allocate the clinician too"
    for each in sorted(draft.clinicians | draft.allocated_clinicians):
        person = known.people.get(each)
        if person is None or not person.active or not person.holds(SPC, draft.organisation):
            cure = f"choose a {SPC} at {draft.organisation}"
            yield f"{each} is not a {SPC} at {draft.organisation}", "/allocated_clinicians", cure
        elif draft.workgroup not in person.workgroups:
            cure = "add the person to the workgroup, or choose another one"
            yield f"{each} is not in the workgroup {draft.workgroup}", "/allocated_clinicians", cure


def _letter(draft: ServiceDraft, _known: Known) -> _Found:
    if draft.letter_freeze_days is not None and draft.letter_freeze_days < 0:
        yield "the days of the referral letter are negative", "/letter_freeze_days", "enter 0 or more days"


def _named_consultant(draft: ServiceDraft, _known: Known) -> _Found:
    if draft.appointment_type is AppointmentType.FIRST_OUTPATIENT and not draft.clinicians:
        cure = "name a consultant, if the service is led by one: patients have a legal right to choose the team"
        yield "no consultant of the service can be found by name", "/clinicians", cure


def _contacts(draft: ServiceDraft, known: Known) -> _Found:
    if draft.booked_how(linked=known.linked) is not BookableType.INDIRECTLY_BOOKABLE:
        return
    if all(each.system != "phone" for each in draft.contacts):
        yield "patients cannot ring the service to book", "/contacts", "enter at least one telephone number"


_CHECKS: Final[dict[PublishCheck, Callable[[ServiceDraft, Known], _Found]]] = {
    PublishCheck.NAME: _name,
    PublishCheck.LOCATION: _location,
    PublishCheck.CLINIC_TYPES: _clinic_types,
    PublishCheck.REQUEST_TYPES: _request_types,
    PublishCheck.PRIORITIES: _priorities,
    PublishCheck.SUSPECTED_CANCER: _suspected_cancer,
    PublishCheck.AGES_AND_SEX: _ages_and_sex,
    PublishCheck.DATES: _dates,
    PublishCheck.APPOINTMENT_TYPE: _appointment_type,
    PublishCheck.SLOTS: _slots,
    PublishCheck.COMMISSIONING: _commissioning,
    PublishCheck.RESTRICTION: _restriction,
    PublishCheck.CLINICIANS: _clinicians,
    PublishCheck.LETTER: _letter,
    PublishCheck.NAMED_CONSULTANT: _named_consultant,
    PublishCheck.CONTACTS: _contacts,
}
