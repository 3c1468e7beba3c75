"""Tables: each condition hides a service or a slot and is named, and each check of publishing finds its fault.

The expected results are typed here from the rules (part 3, chapters A.5 to A.7), not read from the code.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from openers.domain.codes import (
    AppointmentType,
    BookableType,
    GenderTreated,
    Priority,
    RequestFlow,
    RequestType,
)
from openers.domain.directory import AgeRange, Commissioning, Contact, Role, Site, User
from openers.domain.geography import Point
from openers.domain.identifiers import OdsCode, Postcode, ServiceId, SlotId, UserId
from openers.domain.listings import Listings
from openers.domain.patient import Sex
from openers.domain.principal import SPC
from openers.domain.search import Condition, Listing, SearchCriteria, ServiceFilter
from openers.domain.services.access import Referrer, Restriction
from openers.domain.services.draft import ServiceDraft, draft_of, service_of
from openers.domain.services.publishing import Known, PublishCheck, findings
from openers.domain.services.slot_window import BookingWindow, SlotCondition, SlotRules
from openers.domain.slots import Slot, SlotState

DAY = date(2026, 11, 23)
TOMORROW, YESTERDAY = DAY + timedelta(days=1), DAY - timedelta(days=1)
CLINICIAN, REFERRER = UserId("555000000001"), UserId("555000000002")
PRACTICE, COMMISSIONER, PROVIDER = OdsCode("D1"), OdsCode("Q1"), OdsCode("R1")
PAIR = ("CARDIOLOGY", "HEART_FAILURE")
NUMBER = ServiceId("7")

LISTING = Listing(
    id=NUMBER,
    name="A",
    organisation=PROVIDER,
    site=OdsCode("R101"),
    flows=(RequestFlow.APPOINTMENT_REQUEST,),
    priorities=frozenset({Priority.ROUTINE}),
    clinic_types=(PAIR,),
    clinicians=frozenset({CLINICIAN}),
    commissioning=Commissioning(nationally_available=False),
    gender=GenderTreated.MALE,
    ages=AgeRange(18, 80),
    wait_days=10,
    point=Point(0, 0),
    opens_on=DAY,
    closes_on=DAY,
    restriction=Restriction(reason="tertiary", referrers=frozenset({REFERRER})),
    rules=((COMMISSIONER, DAY),),
)
WANTED = ServiceFilter(
    request_type=RequestType.APPOINTMENT_REQUEST,
    criteria=SearchCriteria(
        priority=Priority.ROUTINE,
        age_and_gender_appropriate=True,
        named_clinician=CLINICIAN,
        organisation=PROVIDER,
        wait_limit_days=10,
        postcode=Postcode("LS1 4EY"),
        distance_limit_miles=5,
    ),
    pairs=frozenset({PAIR}),
    referrer=Referrer(rules_of=PRACTICE, commissioner=COMMISSIONER, organisation=PRACTICE, user=REFERRER),
    day=DAY,
    age_years=18,
    sex=Sex.MALE,
)
CONDITIONS: list[tuple[Condition, dict[str, Any]]] = [
    (Condition.OPERATIONAL_DATES, {"opens_on": TOMORROW, "closes_on": None}),
    (Condition.OPERATIONAL_DATES, {"opens_on": None, "closes_on": YESTERDAY}),
    (Condition.REQUEST_TYPE, {"flows": (RequestFlow.ADVICE_AND_GUIDANCE_REQUEST,)}),
    (Condition.PRIORITY, {"priorities": frozenset({Priority.URGENT})}),
    (Condition.CLINIC_TYPE, {"clinic_types": (("CARDIOLOGY", "ARRHYTHMIA"),)}),
    (Condition.NAMED_CLINICIAN, {"clinicians": frozenset[UserId]()}),
    (Condition.ORGANISATION, {"organisation": OdsCode("R2"), "site": OdsCode("R201")}),
    (Condition.AGE_OR_SEX, {"ages": AgeRange(19, None)}),
    (Condition.AGE_OR_SEX, {"gender": GenderTreated.FEMALE}),
    (Condition.COMMISSIONING, {"rules": ()}),
    (Condition.COMMISSIONING, {"rules": ((COMMISSIONER, TOMORROW),)}),
    (Condition.COMMISSIONING, {"rules": ((OdsCode("Q2"), DAY),)}),
    (Condition.RESTRICTION, {"restriction": Restriction(reason="x", organisations=frozenset({PROVIDER}))}),
    (Condition.RESTRICTION, {"restriction": Restriction(reason="x", workgroups=frozenset({"R1/A"}))}),
    (Condition.WAIT, {"wait_days": 11}),
    (Condition.WAIT, {"wait_days": None}),
    (Condition.DISTANCE, {"point": Point(20_000, 0)}),
    (Condition.DISTANCE, {"point": None}),
]


@pytest.mark.parametrize(("condition", "changes"), CONDITIONS)
def test_each_condition_hides_a_service_and_is_named(condition: Condition, changes: dict[str, Any]) -> None:
    """A service that satisfies everything is found; with one change it is hidden by that condition."""
    origin = Point(0, 0)
    assert Listings(1, [LISTING]).hidden_by(WANTED, NUMBER, origin) is None
    hidden = Listings(1, [msgspec.structs.replace(LISTING, **changes)])
    assert hidden.hidden_by(WANTED, NUMBER, origin) is condition
    assert not hidden.admits(WANTED, NUMBER, origin)
    assert Listings(1).hidden_by(WANTED, NUMBER, origin) is Condition.PUBLISHED


PATHWAYS: list[tuple[Restriction, Referrer]] = [
    (Restriction(referrers=frozenset({REFERRER})), Referrer(rules_of=PRACTICE, user=REFERRER)),
    (Restriction(organisations=frozenset({PRACTICE})), Referrer(rules_of=PRACTICE, organisation=PRACTICE)),
    (
        Restriction(services=frozenset({NUMBER}), workgroups=frozenset({"R1/A"})),
        Referrer(rules_of=PROVIDER, workgroups=frozenset({"R1/A"})),
    ),
]


@pytest.mark.parametrize(("restriction", "referrer"), PATHWAYS)
def test_each_pathway_leads_into_a_restricted_service(restriction: Restriction, referrer: Referrer) -> None:
    """The referrer of the pathway may refer; others may not."""
    assert restriction.admits(referrer)
    assert not restriction.admits(Referrer(rules_of=PRACTICE))


NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR, TODAY = timedelta(hours=1), timedelta(days=1)
WINDOWS = SlotRules(
    polling_range_days=42,
    windows={
        Priority.ROUTINE: BookingWindow(starts_after_hours=24, ends_after_days=14),
        Priority.URGENT: BookingWindow(starts_after_hours=1),
    },
    reservation_days=1,
)
SLOT = Slot(
    id=SlotId("1"),
    service=NUMBER,
    pas_id="a",
    usrn="a",
    start=NOW + 2 * TODAY,
    end=NOW + 2 * TODAY + HOUR,
    priorities=frozenset({Priority.ROUTINE, Priority.URGENT}),
    state=SlotState.FREE,
    clinician=CLINICIAN,
    first_seen=NOW - TODAY,
)
SLOTS: list[tuple[Priority, dict[str, Any], SlotCondition | None]] = [
    (Priority.ROUTINE, {}, None),
    *((Priority.ROUTINE, {"state": each}, SlotCondition.STATE) for each in SlotState if each is not SlotState.FREE),
    (Priority.TWO_WEEK_WAIT, {}, SlotCondition.PRIORITY),
    (Priority.ROUTINE, {"clinician": None}, SlotCondition.CLINICIAN),
    (Priority.ROUTINE, {"first_seen": NOW - TODAY + HOUR}, SlotCondition.RESERVATION),
    (Priority.ROUTINE, {"start": NOW + TODAY}, None),
    (Priority.ROUTINE, {"start": NOW + TODAY - HOUR}, SlotCondition.WINDOW_START),
    (Priority.ROUTINE, {"start": NOW + 14 * TODAY - HOUR}, None),
    (Priority.ROUTINE, {"start": NOW + 14 * TODAY}, SlotCondition.WINDOW_END),
    (Priority.URGENT, {"start": NOW + HOUR}, None),
    (Priority.URGENT, {"start": NOW + HOUR / 2}, SlotCondition.WINDOW_START),
    (Priority.URGENT, {"start": NOW + 42 * TODAY - HOUR}, None),
    (Priority.URGENT, {"start": NOW + 42 * TODAY}, SlotCondition.WINDOW_END),
]


@pytest.mark.parametrize(("priority", "changes", "condition"), SLOTS)
def test_each_condition_hides_a_slot_and_is_named(
    priority: Priority, changes: dict[str, Any], condition: SlotCondition | None
) -> None:
    """The window of the priority, the polling range and the reservation decide, beside what the slot is."""
    slot = msgspec.structs.replace(SLOT, **changes)
    assert WINDOWS.window(priority, NOW).hidden_by(slot, CLINICIAN) is condition


def test_a_service_without_settings_shows_each_slot_that_has_not_begun() -> None:
    """So services from before these settings keep their slots."""
    window = SlotRules().window(Priority.ROUTINE, NOW)
    assert window.hidden_by(msgspec.structs.replace(SLOT, start=NOW, first_seen=NOW)) is SlotCondition.WINDOW_START
    soon = msgspec.structs.replace(SLOT, start=NOW + timedelta(milliseconds=1), first_seen=NOW)
    assert window.hidden_by(soon) is None
    assert window.hidden_by(msgspec.structs.replace(SLOT, start=NOW + 400 * TODAY)) is None


WORKGROUP = "R1/Cardiology"
SITE = Site(OdsCode("R101"), PROVIDER, "North wing", Postcode("LS1 4AP"))
DRAFT = ServiceDraft(
    id=NUMBER,
    name="Heart failure clinic",
    organisation=PROVIDER,
    site=SITE.ods,
    workgroup=WORKGROUP,
    clinic_types=(PAIR,),
    flows=(RequestFlow.APPOINTMENT_REQUEST,),
    appointment_type=AppointmentType.FIRST_OUTPATIENT,
    priorities=frozenset({Priority.ROUTINE}),
    gender=GenderTreated.MALE_AND_FEMALE,
    ages=AgeRange(),
    clinicians=frozenset({CLINICIAN}),
    allocated_clinicians=frozenset({CLINICIAN}),
    commissioning=Commissioning(),
    slot_rules=SlotRules(),
    letter_freeze_days=0,
)
PERSON = User(CLINICIAN, "Dr A", (Role(PROVIDER, (SPC,)),), frozenset({WORKGROUP}))
KNOWN = Known(
    today=DAY,
    site=SITE,
    namesakes=frozenset(),
    pairs=frozenset({PAIR}),
    cancer=frozenset(),
    linked=True,
    people={CLINICIAN: PERSON},
    organisations=frozenset({PRACTICE}),
    services=frozenset({ServiceId("8")}),
)
APPOINTMENT, TRIAGE = RequestFlow.APPOINTMENT_REQUEST, RequestFlow.TRIAGE_REQUEST
C = PublishCheck


def _rules(**settings: Any) -> dict[str, Any]:
    return {"slot_rules": SlotRules(**settings)}


def _window(starts: int, ends: int | None) -> dict[str, Any]:
    return _rules(windows={Priority.ROUTINE: BookingWindow(starts_after_hours=starts, ends_after_days=ends)})


CHECKS: list[tuple[PublishCheck, str, dict[str, Any], dict[str, Any]]] = [
    (C.NAME, "/name", {"name": " "}, {}),
    (C.NAME, "/name", {"name": "A" * 256}, {}),
    (C.NAME, "/name", {}, {"namesakes": frozenset({ServiceId("9")})}),
    (C.LOCATION, "/site", {}, {"site": None}),
    (C.LOCATION, "/site", {}, {"site": msgspec.structs.replace(SITE, organisation=OdsCode("R2"))}),
    (C.LOCATION, "/site", {}, {"site": msgspec.structs.replace(SITE, closed_on=DAY)}),
    (C.CLINIC_TYPES, "/clinic_types", {"clinic_types": ()}, {}),
    (C.CLINIC_TYPES, "/clinic_types/0", {}, {"pairs": frozenset()}),
    (C.REQUEST_TYPES, "/flows", {"flows": (), "bookable": None}, {"linked": False}),
    (C.REQUEST_TYPES, "/flows", {"flows": (APPOINTMENT, TRIAGE)}, {}),
    (C.PRIORITIES, "/priorities", {"priorities": frozenset()}, {}),
    (C.PRIORITIES, "/priorities", {"flows": (TRIAGE,), "priorities": frozenset()}, {}),
    (C.SUSPECTED_CANCER, "/priorities", {"priorities": frozenset({Priority.TWO_WEEK_WAIT})}, {}),
    (C.AGES_AND_SEX, "/gender", {"gender": None}, {}),
    (C.AGES_AND_SEX, "/ages", {"ages": None}, {}),
    (C.AGES_AND_SEX, "/ages/lowest", {"ages": AgeRange(20, 10)}, {}),
    (C.AGES_AND_SEX, "/ages/highest", {"ages": AgeRange(0, 131)}, {}),
    (C.DATES, "/closes_on", {"opens_on": TOMORROW, "closes_on": DAY}, {}),
    (C.DATES, "/closes_on", {"closes_on": YESTERDAY}, {}),
    (C.APPOINTMENT_TYPE, "/appointment_type", {"appointment_type": None}, {}),
    (C.SLOTS, "/bookable", {"bookable": BookableType.DIRECTLY_BOOKABLE}, {"linked": False}),
    (
        C.SLOTS,
        "/bookable",
        {"bookable": BookableType.INDIRECTLY_BOOKABLE, "contacts": (Contact(True, "phone", "1"),)},
        {},
    ),
    (C.SLOTS, "/slot_rules/polling_range_days", _rules(polling_range_days=0), {}),
    (C.SLOTS, "/slot_rules/reservation_days", _rules(reservation_days=3), {}),
    (C.SLOTS, "/slot_rules/windows/ROUTINE", _window(0, None), {}),
    (C.SLOTS, "/slot_rules/windows/ROUTINE", _window(48, 2), {}),
    (C.COMMISSIONING, "/commissioning", {"commissioning": None}, {}),
    (
        C.COMMISSIONING,
        "/commissioning/organisations",
        {"commissioning": Commissioning(nationally_available=False, organisations=frozenset({PRACTICE, COMMISSIONER}))},
        {},
    ),
    (
        C.RESTRICTION,
        "/restriction/organisations",
        {"restriction": Restriction(reason="x", organisations=frozenset({COMMISSIONER}))},
        {},
    ),
    (
        C.RESTRICTION,
        "/restriction/referrers",
        {"restriction": Restriction(reason="x", referrers=frozenset({CLINICIAN, REFERRER}))},
        {},
    ),
    (C.RESTRICTION, "/restriction/reason", {"restriction": Restriction(organisations=frozenset({PRACTICE}))}, {}),
    (C.RESTRICTION, "/restriction", {"restriction": Restriction(reason="tertiary")}, {}),
    (
        C.RESTRICTION,
        "/restriction/services",
        {"restriction": Restriction(reason="x", services=frozenset({ServiceId("10")}))},
        {},
    ),
    (
        C.CLINICIANS,
        "/workgroup",
        {"workgroup": "R2/A", "clinicians": frozenset(), "allocated_clinicians": frozenset()},
        {},
    ),
    (C.CLINICIANS, "/clinicians", {"allocated_clinicians": frozenset()}, {}),
    (C.CLINICIANS, "/allocated_clinicians", {}, {"people": {}}),
    (C.CLINICIANS, "/allocated_clinicians", {}, {"people": {CLINICIAN: msgspec.structs.replace(PERSON, active=False)}}),
    (
        C.CLINICIANS,
        "/allocated_clinicians",
        {},
        {"people": {CLINICIAN: msgspec.structs.replace(PERSON, workgroups=frozenset[str]())}},
    ),
    (C.LETTER, "/letter_freeze_days", {"letter_freeze_days": -1}, {}),
    (C.NAMED_CONSULTANT, "/clinicians", {"clinicians": frozenset()}, {}),
    (C.CONTACTS, "/contacts", {"contacts": (Contact(True, "email", "a@b"),)}, {"linked": False}),
]


def _found(draft: dict[str, Any], known: dict[str, Any]) -> list[tuple[PublishCheck, str]]:
    changed = msgspec.structs.replace(DRAFT, **draft)
    return [(each.check, each.place) for each in findings(changed, msgspec.structs.replace(KNOWN, **known))]


@pytest.mark.parametrize(("check", "place", "draft", "known"), CHECKS)
def test_each_check_of_publishing_finds_its_fault(
    check: PublishCheck, place: str, draft: dict[str, Any], known: dict[str, Any]
) -> None:
    """A draft that passes all checks fails one of them after one change; the place is in the draft."""
    assert _found({}, {}) == []
    found = _found(draft, known)
    assert (check, place) in found
    others = {each for each, _ in found} - {check}
    assert others <= {C.NAMED_CONSULTANT, C.SLOTS, C.CONTACTS}, found


def test_every_check_has_a_row_and_two_of_them_only_warn() -> None:
    """The sixteen checks of the rules."""
    assert {check for check, *_ in CHECKS} == set(PublishCheck)
    assert len(PublishCheck) == 16
    draft = msgspec.structs.replace(DRAFT, priorities=frozenset({Priority.TWO_WEEK_WAIT}), clinicians=frozenset())
    assert [each.is_warning for each in findings(draft, KNOWN)] == [True, True]


def test_what_is_published_can_be_published_again_unchanged() -> None:
    """A draft made from a live service publishes an equal service; open priorities got the usual booking window."""
    live = service_of(DRAFT, SITE, linked=True, authorised=frozenset())
    assert live.bookable is BookableType.DIRECTLY_BOOKABLE
    assert live.slot_rules.windows == {Priority.ROUTINE: BookingWindow(starts_after_hours=1)}
    assert service_of(draft_of(live, 1), SITE, linked=True, authorised=frozenset()) == live
    unlinked = service_of(DRAFT, SITE, linked=False, authorised=frozenset())
    assert unlinked.bookable is BookableType.INDIRECTLY_BOOKABLE
    triage = service_of(msgspec.structs.replace(DRAFT, flows=(TRIAGE,)), SITE, linked=False, authorised=frozenset())
    assert triage.bookable is BookableType.UNSPECIFIED
