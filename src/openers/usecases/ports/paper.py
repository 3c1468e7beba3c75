"""The content of documents, and the port for the typesetter.

A document is a value with everything resolved: names, addresses, days and times as printed. Each kind is one struct
here and one template of the same name in `openers.paper.templates`; no other code depends on the kind. Source: rules
chapter 6.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from openers.domain.advice import MessageText
from openers.domain.clock import Instant


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Any document. Its texts may contain line breaks."""

    title: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The patient's details in the page header of a clinical document."""

    name: str
    ubrn: str
    nhs_number: str
    born: str
    age: str
    sex: str


class Fact(msgspec.Struct, frozen=True):
    """A label and its text; an empty text is printed as a dash."""

    label: str
    text: str


class FactGroup(msgspec.Struct, frozen=True):
    """Facts under one heading."""

    title: str
    facts: tuple[Fact, ...]


class FileLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a list of names; the document does not contain the file."""

    name: str
    description: str
    added_by: str
    added: str


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One activity of the provider, with its facts and the added files."""

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
    """One message of a conversation, with its text as sent; `files` are names."""

    sender: str
    role: str
    organisation: str
    sent: str
    text: MessageText
    files: tuple[str, ...] = ()


class AdviceConversation(Document, frozen=True, kw_only=True):
    """A request for advice with its conversation (A043). `may_convert`: the provider may convert it into a referral."""

    subject: Subject
    groups: tuple[FactGroup, ...]
    status: str
    may_convert: bool
    messages: tuple[Message, ...]


class LetterKind(StrEnum):
    """The kind of a letter to a patient."""

    CONFIRMATION = "confirmation"
    REQUEST = "request"
    AWAITING = "awaiting"
    TRIAGE = "triage"


class Clinic(msgspec.Struct, frozen=True, kw_only=True):
    """A clinic's details for patients. `phone` is the number for patients, `wait` the indicative wait."""

    name: str
    place: tuple[str, ...]
    phone: str = ""
    wait: str = ""
    by_phone: bool = False
    instructions: str = ""


class PatientLetter(Document, frozen=True, kw_only=True):
    """A letter to a patient (A019).

    `sender` is the letterhead of the referring organisation. `clinics` are the one that holds the referral, or those to
    choose from. `day`, `time` and `clinician` are the appointment's. `contact_by` is the day by which the provider will
    contact the patient.
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
    """Converts documents to PDF."""

    async def pdf(self, document: Document, made: Instant) -> bytes:
        """Return the document as a tagged PDF with `made` as its creation time.

        Raises Unavailable (too many waiting).
        """
        ...
