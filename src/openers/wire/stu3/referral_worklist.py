"""A worklist of referrals (A008): the request, and the list that its rows are joined to.

Source: rules chapters 4 (A008), 11.1 row 15, 12 and 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from openers.domain.identifiers import NhsNumber
from openers.domain.principal import Party, Principal
from openers.domain.referral_worklists import LARGEST, Worklist
from openers.usecases.fetch_worklist import FetchWorklist, too_long
from openers.wire.json import Json, UnexpectedField, encode
from openers.wire.stu3.kinds import coding, concept
from openers.wire.stu3.parameters import Param, Parameters, Values, one
from openers.wire.stu3.referral_worklist_rows import NOT_DUE, OVERDUE, WrittenRow
from openers.wire.stu3.systems import NHS_NUMBER, SDS_USER, System, code_system, identified, profile
from openers.wire.stu3.worklist_filters import FILTERS, read_filter

LIST_TYPE: Final = Param("listType", concept(coding(code_system("ReferralListSelector"), Worklist)))
FETCH_WORKLIST: Final = Parameters("FetchWorklist-Parameters", one(LIST_TYPE), *FILTERS)
"""A008."""
LIST_PROFILE: Final = profile("FetchWorklist-List")
PATIENT_PROFILE: Final = profile("Patient")
PRACTITIONER_PROFILE: Final = profile("Practitioner")

_META: Final = b'{"meta":{"profile":["%b"]},"resourceType":"List"' % LIST_PROFILE.encode()
_STATUS: Final = b',"status":"current","mode":"snapshot"'


def read_fetch_worklist(node: Json, by: Principal) -> FetchWorklist:
    """What `by` sent. Raises the classes of `Unreadable`."""
    values = FETCH_WORKLIST.read(node)
    worklist = values[LIST_TYPE]
    if worklist.party is Party.REFERRER:
        _refuse_filters(values)
        return FetchWorklist(by=by, worklist=worklist)
    return FetchWorklist(by=by, worklist=worklist, wanted=read_filter(values))


def write_worklist(worklist: Worklist, rows: Sequence[WrittenRow], patients: Iterable[NhsNumber], today: date) -> bytes:
    """The list with its rows in order. `patients` are whom the rows are about. Raises TooManyItems: it is too large."""
    people = _people(rows, patients) if worklist is Worklist.REFERRALS_FOR_REVIEW else b""
    day = today.isoformat().encode()
    parts: list[bytes] = []
    size = len(people)
    for row in rows:
        status = b"" if not row.due else OVERDUE if row.due <= day else NOT_DUE
        parts.append(b"%b%b%b" % (row.start, status, row.end))
        size += len(parts[-1]) + 1
        if size > LARGEST:
            raise too_long(worklist)
    # An empty array is no FHIR, and this list has no reason to give for being empty (rules 11.1 row 15).
    entries = b',"entry":[%b]' % b",".join(parts) if parts else b""
    body = b"%b%b%b%b}" % (_META, people, _STATUS, entries)
    if len(body) > LARGEST:
        raise too_long(worklist)
    return body


def _refuse_filters(values: Values) -> None:
    for slot in FILTERS:
        if values.has(slot.param):
            raise UnexpectedField(slot.param.name, None, "is not expected: lists of referrers have no filters")


def _people(rows: Iterable[WrittenRow], patients: Iterable[NhsNumber]) -> bytes:
    """Everybody whom the rows refer to, once, by nothing but an identifier."""
    clinicians = dict.fromkeys(each for row in rows if row.clinicians for each in row.clinicians.decode().split(","))
    contained = [_person("Practitioner", PRACTITIONER_PROFILE, SDS_USER, each) for each in clinicians]
    contained += [_person("Patient", PATIENT_PROFILE, NHS_NUMBER, each) for each in dict.fromkeys(patients)]
    return b',"contained":[%b]' % b",".join(contained) if contained else b""


def _person(kind: str, claimed: str, system: System, identifier: str) -> bytes:
    shown: Json = {
        "id": f"{kind}-{identifier}",
        "meta": {"profile": [claimed]},
        "resourceType": kind,
        "identifier": [identified(system, identifier)],
    }
    return encode(shown)
