"""What documents say, and the typesetter that puts them on paper.

A document is a value with everything resolved: names, addresses, days and times as they are printed. Each kind is one
struct here and one template of the same name in `openers.paper.templates`; nothing else knows of a kind.
Source: rules chapter 6.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from openers.domain.advice import MessageText
from openers.domain.clock import Instant


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Any document. `title` is what it is called; texts may have lines of their own."""

    title: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a clinical document is about, as its head says it on every page."""

    name: str
    ubrn: str
    nhs_number: str
    born: str
    age: str
    sex: str


class Fact(msgspec.Struct, frozen=True):
    """A label and what it says; an empty text is printed as a dash."""

    label: str
    text: str


class FactGroup(msgspec.Struct, frozen=True):
    """Facts under one heading."""

    title: str
    facts: tuple[Fact, ...]


class FileLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file by name; its contents are fetched elsewhere."""

    name: str
    description: str
    added_by: str
    added: str


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the provider did: who, when, what they said, which files they added."""

    title: str
    facts: tuple[Fact, ...]
    files: tuple[FileLine, ...] = ()


class ClinicalSummary(Document, frozen=True, kw_only=True):
    """The clinical information of a referral (A007)."""

    subject: Subject
    groups: tuple[FactGroup, ...]
    files: tuple[FileLine, ...]
    activities: tuple[Activity, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation, its text as it was sent; `files` are names."""

    sender: str
    role: str
    organisation: str
    sent: str
    text: MessageText
    files: tuple[str, ...] = ()


class AdviceConversation(Document, frozen=True, kw_only=True):
    """A request for advice with its conversation (A043). `may_convert`: the provider may make a referral of it."""

    subject: Subject
    groups: tuple[FactGroup, ...]
    status: str
    may_convert: bool
    messages: tuple[Message, ...]


class LetterKind(StrEnum):
    """What a letter to a patient is about."""

    CONFIRMATION = "confirmation"
    REQUEST = "request"
    AWAITING = "awaiting"
    TRIAGE = "triage"


class Clinic(msgspec.Struct, frozen=True, kw_only=True):
    """A clinic as patients need to know it. `phone` is the one for patients, `wait` how long others have waited."""

    name: str
    place: tuple[str, ...]
    phone: str = ""
    wait: str = ""
    by_phone: bool = False
    instructions: str = ""


class PatientLetter(Document, frozen=True, kw_only=True):
    """A letter to a patient (A019).

    `sender` is the letterhead of who referred; `clinics` are the one that is booked or asked, or those to choose from;
    `day`, `time` and `clinician` are those of the appointment; `contact_by` is the day by which the patient hears.
    """

    kind: LetterKind
    address: tuple[str, ...]
    sender: tuple[str, ...]
    written: str
    nhs_number: str
    clinics: tuple[Clinic, ...]
    reference: str
    code: str
    day: str = ""
    time: str = ""
    clinician: str = ""
    contact_by: str = ""


class Typesetter(Protocol):
    """Puts documents on paper."""

    async def pdf(self, document: Document, made: Instant) -> bytes:
        """The document as a tagged PDF that says it was made at an instant. Raises Unavailable (too many wait)."""
        ...
