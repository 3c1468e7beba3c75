"""Make the images of documents in `docs/images`: the first page of each kind, about an invented patient.

Run it with `.venv/bin/python scripts/make_page_images.py` after a template has changed, and check the images.
"""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2

from openers.paper.typesetter import TypstTypesetter
from openers.usecases.ports.paper import (
    Activity,
    AdviceConversation,
    Clinic,
    ClinicalSummary,
    Document,
    Fact,
    FactGroup,
    FileLine,
    LetterKind,
    Message,
    PatientLetter,
    Subject,
)

TARGET = Path(__file__).parents[1] / "docs" / "images"
MADE = datetime(2030, 3, 4, 10, 30, tzinfo=UTC)
SCALE = 1.3
COLOURS = 48
PRACTICE = ("Mill Lane Surgery", "3 Mill Lane, Leeds", "LS1 2AB", "0113 496 0107")
SUBJECT = Subject(
    name="ASHDOWN, Marian",
    ubrn="0000 0012 3456",
    nhs_number="999 000 0042",
    born="9 October 1958",
    age="71 years",
    sex="Female",
)
HEART = Clinic(
    name="Heart Failure Clinic, Riverside",
    place=("Riverside Hospital", "LS1 3EB"),
    phone="0113 496 0211",
    wait="28 days",
    instructions="Please bring a list of your medicines.\nAllow two hours: you may have an ultrasound of the heart.",
)
BY_PHONE = Clinic(
    name="Heart Failure Clinic by Telephone",
    place=("Northmoor Hospital", "LS9 7LX"),
    phone="0113 496 0311",
    wait="35 days",
    by_phone=True,
)


def main() -> None:
    """Write all images."""
    TARGET.mkdir(exist_ok=True)
    asyncio.run(_main())


async def _main() -> None:
    typesetter = TypstTypesetter()
    for name, document in documents().items():
        (TARGET / f"{name}.png").write_bytes(first_page(await typesetter.pdf(document, MADE)))


def first_page(pdf: bytes) -> bytes:
    """Return the first page as a PNG of few colours."""
    image = pypdfium2.PdfDocument(pdf)[0].render(scale=SCALE).to_pil()
    out = io.BytesIO()
    image.quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()


def documents() -> dict[str, Document]:
    """Return one document of each kind."""
    return {
        "clinical-summary": summary(),
        "advice-conversation": conversation(),
        "letter-confirmation": letter(LetterKind.CONFIRMATION, "You have an appointment", HEART),
        "letter-request": letter(LetterKind.REQUEST, "Please book your appointment", HEART, BY_PHONE),
        "letter-triage": letter(LetterKind.TRIAGE, "A specialist is looking at your referral", HEART),
    }


def summary() -> ClinicalSummary:
    """Return a summary of a booked referral with a letter."""
    referral = {
        "Appointment date/time": "19 March 2030, 10:20",
        "Priority": "Urgent",
        "Referred by": "Dr Owen Tarrant",
        "Referring organisation": "\n".join(PRACTICE),
        "Referral created": "4 March 2030, 09:12",
        "Clinical information first submitted": "4 March 2030, 09:31",
        "Clinical information last updated": "4 March 2030, 10:02",
        "Named clinician": "",
        "Allocated clinician": "Dr Lena Sorby",
        "Clinical context": "Cardiology / Heart Failure",
        "Location": "Heart Failure Clinic, Riverside\nRiverside Hospital\nLS1 3EB",
        "Clinical term": "Heart failure",
    }
    patient = {"Address": "12 Orchard Close\nLeeds\nLS2 7QT", "Registered practice": "\n".join(PRACTICE)}
    files = (
        _file("Referral letter.pdf", "Referral letter", "4 March 2030, 09:31"),
        _file("ECG 2030-02-27.pdf", "Twelve-lead ECG with report", "4 March 2030, 10:02"),
    )
    return ClinicalSummary(
        title="Clinical information summary",
        subject=SUBJECT,
        groups=(_group("UBRN information", referral), _group("Patient information", patient)),
        files=files,
        activities=(Activity(title="Review", facts=(Fact("Comment", "Echocardiogram on the day."),)),),
    )


def conversation() -> AdviceConversation:
    """Return a conversation of a question and its answer."""
    summary_of_it = {"Priority": "Routine", "Service": "Cardiology Advice, Riverside", "Referred by": "Dr Owen Tarrant"}
    asked = (
        "Breathless on one flight of stairs for six weeks; NT-proBNP 1,450 ng/l, ECG attached.\n\n"
        "Would you see her, or start treatment in the practice and repeat the blood test?"
    )
    answered = "Thank you. Please start as in the attached note; we would like to see her within two weeks."
    return AdviceConversation(
        title="Advice conversation",
        subject=SUBJECT,
        groups=(_group("Summary information", summary_of_it),),
        status="Provider response required",
        may_convert=True,
        messages=(
            _message("Dr Owen Tarrant", "Referring clinician", PRACTICE[0], asked, "ECG 2030-02-27.pdf"),
            _message(
                "Dr Lena Sorby", "Service provider clinician", "Riverside Hospitals", answered, "Starting doses.pdf"
            ),
        ),
    )


def letter(kind: LetterKind, title: str, *clinics: Clinic) -> PatientLetter:
    """Return a letter of a kind."""
    return PatientLetter(
        title=title,
        kind=kind,
        address=("Marian Ashdown", "12 Orchard Close", "Leeds", "LS2 7QT"),
        sender=PRACTICE,
        written="4 March 2030",
        nhs_number=SUBJECT.nhs_number,
        clinics=clinics,
        reference=SUBJECT.ubrn,
        code="WKRT 7943",
        day="Tuesday 19 March 2030",
        time="10:20am",
        clinician="Dr Lena Sorby",
        contact_by="Monday 11 March 2030",
    )


def _group(title: str, facts: dict[str, str]) -> FactGroup:
    return FactGroup(title, tuple(Fact(label, text) for label, text in facts.items()))


def _file(name: str, description: str, added: str) -> FileLine:
    return FileLine(name=name, description=description, added_by=f"Dr Owen Tarrant\n{PRACTICE[0]}", added=added)


def _message(sender: str, role: str, organisation: str, text: str, file: str) -> Message:
    return Message(
        sender=sender, role=role, organisation=organisation, sent="4 March 2030, 10:02", text=text, files=(file,)
    )


if __name__ == "__main__":
    main()
