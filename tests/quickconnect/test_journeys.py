"""The journeys of Quick Connect without scripts: refer and book, review, triage, ask for advice and answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest

from openers.domain.advice_lifecycle import AdviceAct
from openers.domain.lifecycle import Act
from openers.usecases.files.scan_file import SCANNED
from openers_quickconnect.words import ACTS
from tests.kit.web.walker import Walker

Enter = Callable[[str], Walker]
GP: Final = "555073103100"
CONSULTANT: Final = "555031999105"
ADMIN: Final = "555031998104"
OTHER_GP: Final = "555073103211"
PATIENT: Final = "991 200 3888"
NURSES, TRIAGE, RAPID = "11006", "11004", "11002"
LETTER: Final = ("letter.txt", b"Dear colleague, please see this patient.")


def services_for(gp: Walker, **kind: str) -> None:
    """Find the patient and the services that suit."""
    gp.follow("Patients")
    gp.send("Find", number=PATIENT)
    gp.follow("Refer or ask for advice")
    gp.send("Continue", specialty="CARDIOLOGY", **kind)
    assert "Choose a clinic type" not in gp.links
    gp.send("Find services")
    assert "Choose a clinic type" in gp.links
    gp.send("Find services", clinic="HEART_FAILURE")


def refer(gp: Walker, service: str, action: str, letter: str = "NOT_INTENDING_TO_ADD") -> None:
    """Create a referral to a service."""
    services_for(gp)
    gp.send("Continue", service=service)
    gp.send("Create the referral", letter=letter, action=action)


def ubrn(walker: Walker) -> str:
    """Return the UBRN in the address of the page."""
    found = re.search(r"/(?:referrals|advice)/(\d{12})", walker.path)
    assert found is not None, walker.path
    return found[1]


def tile(walker: Walker, title: str) -> int:
    """Return the number that the first page shows for a list."""
    return next(int(text.partition(" ")[0]) for text in walker.links if text.endswith(f" {title}"))


def booked(gp: Walker, letter: str = "NOT_INTENDING_TO_ADD") -> str:
    """Refer the patient and book the first free slot; return the UBRN."""
    refer(gp, NURSES, "book", letter)
    assert "book on" in " ".join(gp.buttons), gp.text
    gp.send(next(text for text in gp.buttons if "book on" in text))
    assert "Check the appointment" in gp.text
    assert "991 200 3888" in gp.text
    gp.send("Book this appointment")
    assert "The appointment is booked." in gp.text
    return ubrn(gp)


def test_a_gp_refers_books_and_adds_a_letter(walker: Enter) -> None:
    gp = walker(GP)
    number = booked(gp, "NEED_TO_ADD_LATER")
    assert "The referrer: add the referral letter" in gp.text
    gp.follow("Add the letter")
    assert "991 200 3888" in gp.text
    gp.upload("Add the letter", LETTER, description="Referral letter")
    assert "The letter is added." in gp.text
    assert "The provider: accept or reject the referral" in gp.text
    assert "letter.txt" in gp.links
    gp.go(f"{gp.role}/referrals/{number}/letter.pdf")
    assert gp.reply.content.startswith(b"%PDF")


def test_a_consultant_reviews_one_after_the_other(walker: Enter) -> None:
    gp, consultant = walker(GP), walker(CONSULTANT)
    first, second = booked(gp), booked(gp)
    consultant.go(f"{consultant.role}/referrals/{first}/review")
    assert "Hartley, Walter" in consultant.text
    consultant.send("Save the decision", decision="reject")
    assert consultant.reply.status_code == 422
    assert "Choose a reason" in consultant.text
    consultant.send("Save the decision", decision="accept", comments="Seen soon")
    assert any(each.startswith("An acceptance carries no comment") for each in consultant.links)
    consultant.send("Save the decision", decision="accept", comments="")
    assert f"Accepted: Hartley, Walter ({first[:4]} {first[4:8]} {first[8:]})." in consultant.text
    gp.go(f"{gp.role}/referrals/{first}")
    assert "Booked and accepted" in gp.text
    gp.follow("Hartley, Walter")
    assert "Booked and accepted" in gp.text
    assert "Park Square Surgery" in gp.text
    consultant.go(f"{consultant.role}/referrals/{second}/review")
    reason = consultant.choices("reason")[0]
    consultant.send("Save the decision", decision="reject", reason=reason, comments="Not for this clinic")
    gp.go(f"{gp.role}/referrals/{second}")
    assert "Rejected" in gp.text
    assert "choose another service, or cancel" in gp.text


def test_a_referral_is_triaged_and_comes_back_with_advice(walker: Enter) -> None:
    gp, consultant = walker(GP), walker(CONSULTANT)
    refer(gp, TRIAGE, "send")
    assert "sent to the service" in gp.text
    number = ubrn(gp)
    consultant.go(f"{consultant.role}/referrals/{number}")
    consultant.follow("Record the triage outcome")
    consultant.send("Save the outcome", outcome="RETURN_TO_REFERRER_WITH_ADVICE", comments="Check the blood pressure.")
    gp.go(f"{gp.role}/worklists/come-back")
    assert number[8:] in gp.text
    gp.go(f"{gp.role}/referrals/{number}")
    assert "Returned with advice" in gp.text
    gp.follow("Cancel the referral")
    reason = gp.choices("reason")[0]
    gp.send("Cancel the referral", reason=reason, comment="No longer needed")
    assert "Nothing. This request has ended." in gp.text


def test_advice_is_asked_for_given_and_closed(walker: Enter) -> None:
    gp, consultant = walker(GP), walker(CONSULTANT)
    services_for(gp, type="ADVICE_AND_GUIDANCE_REQUEST")
    gp.send("Continue", service=gp.choices("service")[0])
    gp.send("Send the question", text="Is ramipril <b>enough</b>?<script>alert(1)</script>", convert="yes")
    number = ubrn(gp)
    consultant.go(consultant.role)
    before = tile(consultant, "Advice to answer")
    consultant.follow("Advice")
    assert number[8:] in consultant.text
    consultant.go(f"{consultant.role}/advice/{number}")
    assert "alert(1)" not in consultant.reply.text
    consultant.send("Send", outcome="RETURN_TO_REFERRER_WITH_ADVICE", text="Yes, it is.")
    assert "Choose a recommendation" in consultant.text
    consultant.send(
        "Send",
        outcome="RETURN_TO_REFERRER_WITH_ADVICE",
        text="Yes, it is.",
        recommendation="ADVICE_ONLY_NO_REFERRAL_RECOMMENDED",
    )
    assert "Your answer about Hartley, Walter (" in consultant.text
    consultant.go(consultant.role)
    assert tile(consultant, "Advice to answer") == before - 1
    gp.go(gp.role)
    answered = tile(gp, "Advice answered")
    assert answered >= 1
    gp.follow(f"{answered} Advice answered")
    assert number[8:] in gp.text
    assert "Read the response and decide" in gp.text
    other = walker(OTHER_GP)
    other.go(f"{other.role}/worklists/advice-answered")
    assert number[8:] not in other.text
    gp.go(f"{gp.role}/advice/{number}")
    assert "Yes, it is." in gp.text
    assert "Recommendation: No referral recommended." in gp.text
    assert "Dr Priya Castell, " in gp.text
    gp.send("Send the message", text="And for how long?")
    assert "Your reply is sent." in gp.text
    consultant.go(f"{consultant.role}/advice/{number}")
    consultant.send(
        "Send", outcome="RETURN_TO_REFERRER_WITH_ADVICE", text="Two years.", recommendation="REFERRAL_RECOMMENDED"
    )
    gp.go(f"{gp.role}/advice/{number}/conversation.pdf")
    assert gp.reply.content.startswith(b"%PDF")
    gp.go(f"{gp.role}/advice/{number}")
    gp.follow("Refer the patient")
    assert "Which clinic type?" in gp.text
    gp.follow("Change the specialty")
    assert "What does the patient need?" in gp.text
    assert "There is a problem" not in gp.text
    gp.go(f"{gp.role}/advice/{number}")
    gp.send("Close the conversation", avoided="yes", useful="yes")
    assert "The conversation is closed." in gp.text
    gp.go(f"{gp.role}/worklists/advice-answered")
    assert number[8:] not in gp.text


def test_each_page_shows_its_calls(walker: Enter) -> None:
    gp = walker(GP)
    number = booked(gp)
    gp.go(f"{gp.role}/referrals/{number}?view=api")
    assert f"/STU3/ReferralRequest/{number}" in gp.text
    assert "$TOKEN" in gp.text
    assert "Bearer ey" not in gp.reply.text


def test_a_worklist_downloads_as_csv(walker: Enter) -> None:
    gp, consultant = walker(GP), walker(CONSULTANT)
    number = booked(gp)
    consultant.go(f"{consultant.role}/worklists/to-review?as=csv")
    assert consultant.reply.headers["content-type"].startswith("text/csv")
    assert f"{number[:4]} {number[4:8]} {number[8:]}" in consultant.reply.text


@pytest.mark.parametrize("user", ["555031998103", "555032006103"], ids=["practice", "hospital"])
def test_an_admin_sees_the_outline_of_a_request(walker: Enter, user: str) -> None:
    gp, admin = walker(GP), walker(user)
    number = booked(gp)
    admin.go(f"{admin.role}/find?q={number}")
    assert admin.reply.status_code == 200
    assert "Dr Amara Whitfield, Park Square Surgery" in admin.text
    assert "accept or reject the referral" in admin.text
    assert "letter.txt" not in admin.text
    admin.go(f"{admin.role}/referrals/{number}/letter")
    assert "You do not have the role that this needs" in admin.text
    assert "_" not in admin.text.partition("Your role may not do this")[2].partition("Go to the start page")[0]


def test_each_act_of_the_service_has_words() -> None:
    assert {*Act, *AdviceAct, SCANNED} <= {*ACTS}


def test_an_administrator_chooses_for_whom_to_act(walker: Enter) -> None:
    admin = walker(ADMIN)
    assert any("for Dr Priya Castell" in each for each in admin.links)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/referrals/999999999999", 404, "There is no such record"),
        ("/worklists/nothing", 200, "Your role has no such worklist."),
        ("/patients/AAAA", 200, "Find the patient again"),
        ("/find?q=12", 200, "A UBRN has twelve digits"),
        ("/find?q=9999 9999 9999", 200, "You have no request with this UBRN."),
    ],
)
def test_a_wrong_address_says_what_to_do(walker: Enter, path: str, status: int, said: str) -> None:
    gp = walker(GP)
    gp.go(f"{gp.role}{path}")
    assert gp.reply.status_code == status
    assert said in gp.text


def test_another_practice_sees_nothing(walker: Enter) -> None:
    gp, other = walker(GP), walker(OTHER_GP)
    number = booked(gp)
    other.go(f"{other.role}/referrals/{number}")
    assert other.reply.status_code == 403
    assert "Hartley" not in other.text


def test_a_form_of_another_session_is_refused(walker: Enter) -> None:
    gp, consultant = walker(GP), walker(CONSULTANT)
    number = booked(gp)
    gp.go(f"{gp.role}/referrals/{number}/cancel")
    token = gp.hidden("form_token")
    consultant.go(f"{consultant.role}/referrals/{number}/cancel")
    consultant.send("Cancel the referral", reason="x", form_token=token)
    assert consultant.reply.status_code == 403
