"""Sample documents of every kind, about invented people."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Final, TypeVar

import msgspec

from openers.domain.advice import MessageText
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

MADE: Final = datetime(2030, 7, 1, 12, tzinfo=UTC)


def subject(name: str = "LARKIN, Ada") -> Subject:
    """Return the patient of clinical documents."""
    return Subject(
        name=name,
        ubrn="1234 5678 9012",
        nhs_number="999 000 1111",
        born="3 May 1961",
        age="69 years",
        sex="Female",
    )


def file(name: str = "letter.pdf", description: str = "Referral letter") -> FileLine:
    """Return one attached file."""
    return FileLine(
        name=name, description=description, added_by="Dr Moss\nMill Lane Surgery", added="1 July 2030, 09:15"
    )


def summary(text: str = "Routine", name: str = "LARKIN, Ada", files: int = 1) -> ClinicalSummary:
    """Return a clinical information summary with `text` in every free-text field."""
    return ClinicalSummary(
        title="Clinical information summary",
        subject=subject(name),
        groups=(
            FactGroup(
                "UBRN information", (Fact("Priority", "Urgent"), Fact("Location", text), Fact("Clinical term", ""))
            ),
            FactGroup("Patient information", (Fact("Address", text),)),
        ),
        files=tuple(file(f"{number}{text}", text) for number in range(files)),
        activities=(Activity(title="Review", facts=(Fact("Comment", text),), files=(file(),)),),
    )


def letter(
    kind: LetterKind = LetterKind.CONFIRMATION, text: str = "Mill Lane Clinic", clinics: int = 1
) -> PatientLetter:
    """Return a letter about clinics named `text`."""
    clinic = Clinic(
        name=text,
        place=(text, "LS1 1AA"),
        phone="0113 496 0999",
        wait="14 days",
        by_phone=kind is LetterKind.REQUEST,
        instructions=text,
    )
    return PatientLetter(
        title="Your appointment",
        kind=kind,
        address=("Ada Larkin", text, "LS2 2BB"),
        sender=("Mill Lane Surgery", text),
        written="1 July 2030",
        nhs_number="999 000 1111",
        clinics=(clinic,) * clinics,
        reference="1234 5678 9012",
        code="WKRT 7943",
        day="Friday 5 July 2030",
        time="2:05pm",
        clinician="Dr Yew",
        contact_by="Monday 8 July 2030",
    )


def conversation(text: str = "Please advise.") -> AdviceConversation:
    """Return a conversation of two messages."""
    message = Message(
        sender="Dr Moss",
        role="Referring clinician",
        organisation="Mill Lane Surgery",
        sent="1 July 2030, 09:15",
        text=MessageText(text),
        files=("picture.png", text),
    )
    return AdviceConversation(
        title="Advice conversation",
        subject=subject(),
        groups=(FactGroup("Summary information", (Fact("Priority", text),)),),
        status="Provider response required",
        may_convert=True,
        messages=(message, message),
    )


def every(text: str) -> dict[str, Document]:
    """Return one document of each kind, with `text` in each."""
    letters: dict[str, Document] = {f"letter {kind}": letter(kind, text, clinics=2) for kind in LetterKind}
    return {"summary": summary(text), "conversation": conversation(text), **letters}


T = TypeVar("T")
_OURS: Final = frozenset({"title", "label"})
"""Texts that the service writes itself; they are never empty, and users cannot set them."""


def filled(value: T, text: str, times: int) -> T:
    """Return the same document with `text` in every field that holds a text, and each list `times` as long."""
    if isinstance(value, msgspec.Struct):
        names = [name for name in value.__struct_fields__ if name not in _OURS]
        changed = {name: filled(getattr(value, name), text, times) for name in names}
        return msgspec.structs.replace(value, **changed)
    if isinstance(value, tuple):
        return type(value)(filled(each, text, times) for each in value * times)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportReturnType] # a named tuple of another length
    return type(value)(text) if isinstance(value, str) and not isinstance(value, Enum) else value
