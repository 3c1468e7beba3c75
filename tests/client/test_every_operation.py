"""The client calls every operation of the service, each through the face that waits for its results."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from openers.api import operations
from openers.api.registry import all_operations
from openers.testing import WorldOfTest
from openers_client import (
    ActLater,
    Attachment,
    Closing,
    Conversion,
    Deferral,
    Filters,
    NewShortlist,
    PatientSearch,
    Question,
    RejectionOfReferral,
    Response,
    ReviewOutcome,
    Role,
    Search,
    Shortlist,
    SlotQuery,
    SyncErsClient,
    Upload,
)
from openers_client.caller import Caller
from openers_client.records.booking import Slot
from openers_client.sync import SyncCaller
from tests.client.people import (
    ADMINISTRATOR,
    ADVISING,
    BOOKABLE,
    CONSULTANT,
    GP,
    HEART,
    PATIENT,
    TRIAGE,
    USER_APP,
    new_referral,
)

assert operations, "importing them fills the registry"
ANSWER = Response(outcome="REQUIRE_FURTHER_INFORMATION", text="What does he take?", priority="ROUTINE")
ADVICE = Response(
    outcome="RETURN_TO_REFERRER_WITH_ADVICE",
    recommendation="ADVICE_ONLY_NO_REFERRAL_RECOMMENDED",
    text="Start a diuretic.",
    priority="ROUTINE",
)
RETURNED = ReviewOutcome(outcome="RETURN_TO_REFERRER_WITH_ADVICE", comments="Check the pressure again.")


class Callers:
    """The callers of the walk."""

    def __init__(self, client: SyncErsClient) -> None:
        self.gp = client.caller(client.log_in_as(USER_APP, GP), Role("D82106", "REFERRING_CLINICIAN"))
        consultant = Role("RCD", "SERVICE_PROVIDER_CLINICIAN")
        self.consultant = client.caller(client.log_in_as(USER_APP, CONSULTANT), consultant)
        administrator = Role("RCD", "SERVICE_PROVIDER_CLINICIAN_ADMIN")
        self.administrator = client.caller(client.log_in_as(USER_APP, ADMINISTRATOR), administrator)
        self.slots = self.gp.slots(SlotQuery(service=BOOKABLE, page_size=2))


@pytest.fixture
def callers(world: WorldOfTest) -> Generator[Callers]:
    """Provide callers of a world."""
    with SyncErsClient(world.base_url, headers=world.tenant) as client:
        yield Callers(client)


def look_around(who: Callers) -> None:
    """Read reference data, services and people."""
    priorities = who.gp.code_system("PRIORITY")
    assert [each.code for each in priorities.codes] == ["ROUTINE", "URGENT", "TWO_WEEK_WAIT"]
    (first, *_) = who.gp.search_services(Search(patient=PATIENT, criteria=HEART))
    service = who.gp.read_service(first.id)
    assert (service.name, service.bookable_type) == (first.name, first.bookable_type)
    assert who.gp.service_version(first.id) == service.version
    assert [each.id for each in who.gp.read_services(["11001", BOOKABLE])] == ["11001", BOOKABLE]
    assert who.administrator.role in who.administrator.my_roles()
    assert CONSULTANT in who.administrator.clinicians_to_act_for()


def overview(who: Callers, ubrn: str) -> None:
    """Read what pages show around a booked referral."""
    names = who.gp.find_names([PATIENT], [GP], ["D82106"])
    assert [(each.kind, each.id) for each in names] == [
        ("patient", PATIENT),
        ("person", GP),
        ("organisation", "D82106"),
    ]
    (patient,) = who.gp.find_patients(PatientSearch(nhs_number=PATIENT)).patients
    assert patient.birth_date
    again = PatientSearch(family_name=patient.family_name, birth_date=patient.birth_date)
    assert who.gp.find_patients(again).patients == (patient,)
    (shown,) = who.gp.overviews([ubrn])
    assert (shown.ubrn, shown.state, shown.patient) == (ubrn, "BOOKED", PATIENT)
    assert shown in who.gp.patient_requests(PATIENT)
    assert who.gp.history(ubrn)[-1].version == shown.version


def book_and_decide(who: Callers, slots: list[Slot]) -> None:
    """Book referrals, and let the provider or the patient decide."""
    made = [who.gp.create_referral(new_referral(BOOKABLE)) for _ in range(4)]
    booked = [who.gp.book(referral, slot) for referral, slot in zip(made, slots, strict=True)]
    accepted, later, rejected, cancelled = (who.gp.read_referral(each.ubrn) for each in made)
    assert who.gp.find_requests(accepted.ubrn)[0].version == accepted.version
    assert {each.code for each in who.gp.available_actions(accepted)} >= {"CANCEL_REFERRAL"}
    assert len(who.consultant.worklist("REFERRALS_FOR_REVIEW", Filters(service=BOOKABLE))) == 4
    for printed, of in ((who.gp.print_letter, accepted.ubrn), (who.consultant.print_summary, accepted.ubrn)):
        paper = BytesIO()
        assert printed(of, paper).size == len(paper.getvalue())
        assert paper.getvalue().startswith(b"%PDF-")
    overview(who, accepted.ubrn)
    assert who.consultant.accept_referral(accepted).version > accepted.version
    who.consultant.cancel_appointment_action_later(later, ActLater(comments="Ring the patient."))
    returned = who.consultant.reject_referral(rejected, RejectionOfReferral(reason="SERVICE_INAPPROPRIATE"))
    changed = who.gp.change_shortlist(returned, NewShortlist(shortlist=Shortlist(["11001"], HEART)))
    assert who.gp.cancel_referral(changed, "INTEND_PRIVATE").referral.reason == "INTEND_PRIVATE"
    assert who.gp.read_appointment(booked[3].id) == booked[3]
    assert who.gp.cancel_appointment(booked[3], "PATIENT_ILL").status == "cancelled"
    assert who.gp.read_referral(cancelled.ubrn).state == "APPT_CANCELLED_BY_PATIENT"


def triage(who: Callers) -> None:
    """Send referrals for triage in both ways."""
    sent = who.gp.create_referral_and_send_for_triage(new_referral(TRIAGE, letter="NEED_TO_ADD_LATER"))
    returned = who.consultant.record_review_outcome(sent, RETURNED)
    again = NewShortlist(shortlist=Shortlist([TRIAGE], HEART))
    assert who.gp.change_shortlist_and_send_for_triage(returned, again).referral.state == "AWAITING_TRIAGE"
    deferred = who.gp.create_referral(new_referral(TRIAGE, letter="NEED_TO_ADD_LATER"))
    assert who.gp.defer(deferred, Deferral(service=TRIAGE, reason="TRIAGE")).status == "proposed"


def files(who: Callers, world: WorldOfTest, folder: Path) -> None:
    """Upload, attach and download files."""
    referral = who.gp.create_referral(new_referral("11001", letter="NEED_TO_ADD_LATER"))
    source = folder / "letter.txt"
    source.write_bytes(b"Dear colleague, please see this patient. " * 20_000)
    reported = list[tuple[int, int | None]]()
    upload = Upload(name=source.name, content=source, ubrn=referral.ubrn)
    file = who.gp.upload(upload, lambda sent, total: reported.append((sent, total)))
    assert reported[-1] == (source.stat().st_size, source.stat().st_size)
    assert len(reported) > 2, "the file is read piece by piece"
    who.gp.upload_large(Upload(name="history.txt", content=b"History"))
    world.clock.advance(minutes=1)
    assert who.gp.maintain_letter(referral, [Attachment(file)]).version > referral.version
    for download in (who.gp.download, who.gp.download_small):
        target = folder / "read.txt"
        assert download(file.id, target).name == "letter.txt"
        assert target.read_bytes() == source.read_bytes()


def advice(who: Callers) -> None:
    """Hold a conversation, close it, and convert another one."""
    question = Question(patient=PATIENT, shortlist=Shortlist([ADVISING], HEART), text="Help?", may_convert=True)
    request = who.gp.ask_for_advice(question).request
    assert [row.ubrn for row in who.consultant.advice_worklist()] == [request.ubrn]
    asked = who.consultant.send_response(who.consultant.read_advice_request(request.ubrn), ANSWER)
    replied = who.gp.reply_to_provider(asked.request, "Ramipril 5 mg.")
    given = who.consultant.send_response(replied.request, ADVICE)
    assert [each.side for each in who.gp.conversation(given.request)] == ["REQUESTER", "RESPONDER"] * 2
    who.gp.print_conversation(request.ubrn, BytesIO())
    closed = who.gp.close_advice(given.request, Closing(referral_avoided=True, advice_useful=True))
    assert closed.status == "CONVERSATION_ENDED_CLOSED"
    second = who.gp.ask_for_advice(question).request
    conversion = Conversion(text="We will see him.", priority="URGENT", comments="Book the clinic.")
    assert who.consultant.convert_advice(second, conversion).ubrn == second.ubrn


def test_every_operation_is_called_and_succeeds(callers: Callers, world: WorldOfTest, tmp_path: Path) -> None:
    look_around(callers)
    slots = [next(callers.slots) for _ in range(4)]
    assert slots[2].start
    assert slots[0].start
    assert slots[2].start - slots[0].start >= timedelta(minutes=30), "the second page follows the first"
    book_and_decide(callers, slots)
    triage(callers)
    files(callers, world, tmp_path)
    advice(callers)
    calls = world.control("GET", "/requests?limit=200")["requests"]
    succeeded = {each["operation"] for each in calls if each["status"] < 400}
    assert {each.id for each in all_operations()} - succeeded == set()


def test_both_faces_have_the_same_methods() -> None:
    def public(of: type) -> set[str]:
        return {name for name, _ in inspect.getmembers_static(of) if not name.startswith("_")}

    assert public(SyncCaller) - public(Caller) == set()
    assert public(Caller) - public(SyncCaller) == set()
