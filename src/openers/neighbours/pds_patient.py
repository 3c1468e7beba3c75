"""Read the FHIR R4 Patient of PDS. Source: PDS FHIR API.

A record that is not marked as unrestricted is sensitive: its address and practice are not read, even if they are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final, TypeVar

import msgspec

from openers.domain.identifiers import Identifier, NhsNumber, OdsCode, Postcode
from openers.domain.patient import Patient, Sex
from openers.usecases.ports.neighbours import FoundInPds, KnownPatient, NoPatient

UNRESTRICTED: Final = "U"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ODS: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
LONGEST_TEXT: Final = 255
"""Maximum characters of a name or of a line of an address; PDS has at most 35."""
MOST_LINES: Final = 10

OfIdentifier = TypeVar("OfIdentifier", bound=Identifier)


class Unreadable(Exception):
    """The reply is not a Patient that this service can use. The text contains no patient data."""


class _Period(msgspec.Struct, frozen=True):
    start: str = ""
    end: str = ""

    def includes(self, day: date) -> bool:
        """Return whether a day is in the period. FHIR's dates may be partial: they sort as texts."""
        written = day.isoformat()
        return self.start[:10] <= written and (not self.end or written[: len(self.end[:10])] <= self.end[:10])


class _Identifier(msgspec.Struct, frozen=True):
    value: str = ""
    system: str = ""
    period: _Period = _Period()


class _Coding(msgspec.Struct, frozen=True):
    code: str = ""
    system: str = ""


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    version_id: str = ""
    security: list[_Coding] = []


class _Name(msgspec.Struct, frozen=True):
    use: str = ""
    family: str = ""
    given: list[str] = []
    period: _Period = _Period()


class _Address(msgspec.Struct, frozen=True, rename="camel"):
    use: str = ""
    line: list[str] = []
    postal_code: str = ""
    period: _Period = _Period()


class _Practitioner(msgspec.Struct, frozen=True):
    identifier: _Identifier = _Identifier()


class _Patient(msgspec.Struct, frozen=True, rename="camel", tag_field="resourceType", tag="Patient"):
    id: str
    meta: _Meta = _Meta()
    name: list[_Name] = []
    gender: str = ""
    birth_date: str = ""
    deceased_date_time: str = ""
    general_practitioner: list[_Practitioner] = []
    address: list[_Address] = []


class _Entry(msgspec.Struct, frozen=True):
    resource: dict[str, Any]


class _Bundle(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Bundle"):
    total: int = 0
    entry: list[_Entry] = []


class _Issue(msgspec.Struct, frozen=True):
    class _Details(msgspec.Struct, frozen=True):
        coding: list[_Coding] = []

    details: _Details = _Details()


class _Outcome(msgspec.Struct, frozen=True, tag_field="resourceType", tag="OperationOutcome"):
    issue: list[_Issue] = []


_patient: Final = msgspec.json.Decoder(_Patient)
_found: Final = msgspec.json.Decoder(_Bundle | _Outcome)
_outcome: Final = msgspec.json.Decoder(_Outcome)
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError)


def read_patient(body: bytes, today: date) -> KnownPatient | NoPatient:
    """Return the patient of a reply, who cannot be used without a name and a date of birth. Raises Unreadable."""
    try:
        return _known(_patient.decode(body), today)
    except _FAULTS as error:
        raise Unreadable("it is not a Patient") from error


def read_found(body: bytes, today: date) -> FoundInPds:
    """Return the patients of a reply to a search. Raises Unreadable."""
    try:
        found = _found.decode(body)
        if isinstance(found, _Outcome):
            if "TOO_MANY_MATCHES" not in _codes(found):
                raise Unreadable("it is not the result of a search")
            return FoundInPds((), complete=False)
        records = [msgspec.convert(each.resource, _Patient) for each in found.entry]
        known = [_known(each, today) for each in records]
        return FoundInPds([each for each in known if isinstance(each, KnownPatient)], complete=True)
    except _FAULTS as error:
        raise Unreadable("it is not the result of a search") from error


def codes_of(body: bytes) -> frozenset[str]:
    """Return the codes of an OperationOutcome; none if the body is something else."""
    try:
        return _codes(_outcome.decode(body))
    except _FAULTS:
        return frozenset()


def _codes(outcome: _Outcome) -> frozenset[str]:
    return frozenset(coding.code for issue in outcome.issue for coding in issue.details.coding)


def _known(record: _Patient, today: date) -> KnownPatient | NoPatient:
    """Return the record in the service's terms. Raises ValueError."""
    sensitive = [each.code for each in record.meta.security if each.system in ("", CONFIDENTIALITY)] != [UNRESTRICTED]
    number, name = NhsNumber(record.id), _current_name(record.name, today)
    if name is None or not record.birth_date:
        return NoPatient()
    died, home = record.deceased_date_time, None if sensitive else _home(record.address, today)
    patient = Patient(
        nhs_number=number,
        family_name=_text(name.family),
        given_name=_text(" ".join(name.given[:1])),
        born=_day(record.birth_date),
        sex=_sex(record.gender),
        postcode=None if home is None else _identifier(Postcode, home.postal_code),
        address=() if home is None else tuple(_text(each) for each in home.line[:MOST_LINES] if each.strip()),
        practice=None if sensitive else _practice(record.general_practitioner, today),
        sensitive=sensitive,
        died=_day(died) if died else None,
    )
    return KnownPatient(patient, record.meta.version_id[:LONGEST_TEXT])


def _current_name(names: Iterable[_Name], today: date) -> _Name | None:
    """Return the usual name of today, or else another present one."""
    present = [each for each in names if each.family and each.period.includes(today)]
    usual = (each for each in present if each.use == "usual")
    return next(usual, present[0] if present else None)


def _home(addresses: Iterable[_Address], today: date) -> _Address | None:
    return next((each for each in addresses if each.use == "home" and each.period.includes(today)), None)


def _practice(practitioners: Iterable[_Practitioner], today: date) -> OdsCode | None:
    present = (each.identifier for each in practitioners if each.identifier.period.includes(today))
    return next((_identifier(OdsCode, each.value) for each in present if each.system in ("", ODS)), None)


def _identifier(of: type[OfIdentifier], text: str) -> OfIdentifier | None:
    """Return an identifier that the record may lack or misspell."""
    try:
        return of(text)
    except ValueError:
        return None


def _sex(gender: str) -> Sex:
    return Sex(gender) if gender in list(Sex) else Sex.UNKNOWN


def _text(text: str) -> str:
    """Return a text without control characters, cut to `LONGEST_TEXT`."""
    return "".join(each for each in text if each.isprintable())[:LONGEST_TEXT]


def _day(text: str) -> date:
    """Return a date, or the first day of a month or year. Raises ValueError."""
    missing = {4: "-01-01", 7: "-01"}.get(len(text), "")
    return date.fromisoformat(f"{text}{missing}"[:10])
