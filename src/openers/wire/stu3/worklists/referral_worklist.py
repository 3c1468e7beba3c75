"""A worklist of referrals (A008): the request, and the list that joins the rows.

Source: rules chapters 4 (A008), 11.1 row 15, 12 and 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from openers.domain.principal import Party, Principal
from openers.domain.referral_worklists import LARGEST, Worklist
from openers.usecases.worklists.fetch_worklist import FetchWorklist, too_long
from openers.wire.json import Json, UnexpectedField
from openers.wire.stu3.kinds import coding, concept
from openers.wire.stu3.parameters import Param, Parameters, Values, one
from openers.wire.stu3.systems import code_system, profile
from openers.wire.stu3.worklists.filters import FILTERS, read_filter
from openers.wire.stu3.worklists.referral_worklist_rows import NOT_DUE, OVERDUE, WrittenRow

LIST_TYPE: Final = Param("listType", concept(coding(code_system("ReferralListSelector"), Worklist)))
FETCH_WORKLIST: Final = Parameters("FetchWorklist-Parameters", one(LIST_TYPE), *FILTERS)
"""The parameters of A008."""
LIST_PROFILE: Final = profile("FetchWorklist-List")

_META: Final = b'{"meta":{"profile":["%b"]},"resourceType":"List"' % LIST_PROFILE.encode()
_STATUS: Final = b',"status":"current","mode":"snapshot"'


def read_fetch_worklist(node: Json, by: Principal) -> FetchWorklist:
    """Return the request that `by` sent. Raises the classes of `Unreadable`."""
    values = FETCH_WORKLIST.read(node)
    worklist = values[LIST_TYPE]
    if worklist.party is Party.REFERRER:
        _refuse_filters(values)
        return FetchWorklist(by=by, worklist=worklist)
    return FetchWorklist(by=by, worklist=worklist, wanted=read_filter(values))


def write_worklist(worklist: Worklist, rows: Sequence[WrittenRow], today: date) -> bytes:
    """Return the list with its rows in order, and each referenced person once.

    Raises TooManyItems if it is too large.
    """
    day = today.isoformat().encode()
    # FHIR forbids empty arrays; the published empty list has no `entry` and no `emptyReason` (rules 11.1 row 15).
    entries = b",".join(row.start if not row.due else _told(row, day) for row in rows)
    if len(entries) > LARGEST:
        raise too_long(worklist)
    people = _people(rows) if worklist is Worklist.REFERRALS_FOR_REVIEW else b""
    contained = b',"contained":[%b]' % people if people else b""
    body = b"%b%b%b%b}" % (_META, contained, _STATUS, b',"entry":[%b]' % entries if entries else b"")
    if len(body) > LARGEST:
        raise too_long(worklist)
    return body


def _told(row: WrittenRow, day: bytes) -> bytes:
    """Return the row with its status of the letter on `day`."""
    return b"%b%b%b" % (row.start, OVERDUE if row.due <= day else NOT_DUE, row.end)


def _people(rows: Sequence[WrittenRow]) -> bytes:
    """Return the contained people: clinicians, then patients."""
    clinicians = dict.fromkeys(each for row in rows for each in (row.named, row.allocated) if each)
    return b",".join((*clinicians, *dict.fromkeys(row.patient for row in rows)))


def _refuse_filters(values: Values) -> None:
    for slot in FILTERS:
        if values.has(slot.param):
            raise UnexpectedField(slot.param.name, None, "is not expected: lists of referrers have no filters")
