"""The words that pages show for codes."""

from __future__ import annotations

from typing import Final

ROLES: Final = {
    "REFERRING_CLINICIAN": "Referring clinician",
    "REFERRING_CLINICIAN_ADMIN": "Referring clinician admin",
    "REFERRING_ADMIN": "Referring admin",
    "SERVICE_PROVIDER_CLINICIAN": "Service provider clinician",
    "SERVICE_PROVIDER_CLINICIAN_ADMIN": "Service provider clinician admin",
    "SERVICE_PROVIDER_ADMIN": "Service provider admin",
    "SERVICE_DEFINER": "Service definer",
    "COMMISSIONER": "Commissioner",
    "ERS_ADMIN": "Operator of the service",
}
"""The roles that have pages here."""
REGISTERS: Final[dict[str, dict[str, str]]] = {
    "SERVICE_DEFINER": {"services": "Services", "workgroups": "Workgroups"},
    "COMMISSIONER": {"commissioning": "Commissioning"},
    "ERS_ADMIN": {
        "services": "Services",
        "organisations": "Organisations",
        "sites": "Sites",
        "people": "People",
        "workgroups": "Workgroups",
        "applications": "Applications",
        "pas-links": "PAS links",
        "audit": "Who has seen a patient",
    },
}
"""The pages of roles that administer, by their names in addresses; the first is where they begin."""
PRIORITIES: Final = {"ROUTINE": "Routine", "URGENT": "Urgent", "TWO_WEEK_WAIT": "2 week wait"}
ACCEPTED: Final = "BOOKED_AND_ACCEPTED"
"""A booked referral that its provider has accepted: the published state is BOOKED before and after."""
STATES: Final = {
    "NOT_BOOKED": "Not booked",
    "AWAITING_TRIAGE": "Waiting for triage",
    "DEFERRED_TO_PROVIDER": "Waiting for the provider to book",
    "BOOKED": "Booked",
    ACCEPTED: "Booked and accepted",
    "TRIAGED_PROVIDER_TO_ACTION": "Accepted, the provider books",
    "TRIAGE_RESPONSE": "Returned with advice",
    "REJECTED": "Rejected",
    "APPT_CANCELLED_BY_PATIENT": "Appointment cancelled by the patient",
    "APPT_CANCELLED_BY_PROVIDER": "Appointment cancelled by the provider",
    "DID_NOT_ATTEND": "Did not attend",
    "ASSESSMENT_RESULT": "Assessed",
    "CANCELLED_REFERRAL": "Cancelled",
    "PROVIDER_RESPONSE_REQUIRED": "Waiting for advice",
    "REFERRER_TO_SUBMIT_FURTHER_INFORMATION": "Waiting for further information",
    "REFERRER_TO_REVIEW_RESPONSE": "Advice received",
    "CONVERSATION_ENDED_CANCELLED": "Withdrawn",
    "CONVERSATION_ENDED_CLOSED": "Closed",
    "ADVICE_CONVERTED": "Converted to a referral",
}
STEPS: Final = {
    "BOOK": "Book an appointment",
    "TRIAGE": "Record the triage outcome",
    "ARRANGE_APPOINTMENT": "Arrange an appointment",
    "REVIEW": "Accept or reject the referral",
    "ATTEND": "Attend the appointment",
    "READ_RESPONSE": "Read the response and decide",
    "CHOOSE_AGAIN": "Choose another service, or cancel",
    "REFER_ON": "Choose the next service",
    "RESPOND": "Answer the question",
    "GIVE_INFORMATION": "Give further information",
    "ADD_LETTER": "Add the referral letter",
}
ACTS: Final = {
    "create": "Created",
    "convert a request for advice": "Converted from a request for advice",
    "convert to a referral": "Converted to a referral",
    "send for triage": "Sent for triage",
    "book": "Booked",
    "record a booking by telephone": "Booked by telephone",
    "defer to the provider": "Left to the provider to book",
    "accept": "Accepted",
    "reject": "Rejected",
    "cancel the appointment, action later": "Appointment cancelled, the provider books later",
    "accept, book later": "Accepted, the provider books later",
    "return with advice": "Returned with advice",
    "cancel the appointment": "Appointment cancelled",
    "cancel by the provider": "Appointment cancelled by the provider",
    "move the appointment": "Appointment moved",
    "record arrival": "The patient has arrived",
    "record non-attendance": "The patient did not attend",
    "change the referral letter": "Letter changed",
    "record an assessment": "Assessed",
    "change the shortlist": "Shortlist changed",
    "change the shortlist and send for triage": "Shortlist changed and sent for triage",
    "cancel the referral": "Referral cancelled",
    "record scan": "File checked for viruses",
    "ask for advice": "Asked for advice",
    "ask for further information": "Asked for further information",
    "reply to the provider": "Replied to the provider",
    "close after a response": "Closed",
    "withdraw": "Withdrawn",
}
"""Words for the acts of a history."""
SIDES: Final = {"REFERRER": "The referrer", "PROVIDER": "The provider", "PATIENT": "The patient"}
SEXES: Final = {"male": "Male", "female": "Female", "other": "Other", "unknown": "Not known"}


def words(of: dict[str, str], code: str | None) -> str:
    """Return the words for a code; for an unknown code, the code in words."""
    if not code:
        return ""
    return of.get(code) or code.replace("_", " ").capitalize()
