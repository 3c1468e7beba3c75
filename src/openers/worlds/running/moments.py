"""Choose the moment of a world in which a request runs, by the record that the request names.

The moments are the base world and the scenes of its pack. The current version of a record is the one in the base world,
or else in the latest scene with the record. A request for another version runs in a scene with that version, if
possible one made for the operation. The choice depends on the pack and the request, never on the caller. `scenes` calls
it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from openers.usecases.directory.load_records import KeptConversation, KeptReferral, LoadRecords
from openers.worlds.packs import Pack, Scene

REFERRAL: Final = "ReferralRequest"
ADVICE: Final = "CommunicationRequest"
APPOINTMENT: Final = "Appointment"
NAMED: Final = re.compile(
    rf"\b({REFERRAL}|{ADVICE}|{APPOINTMENT})/(\d{{1,18}})(?:/_history/(\d{{1,9}}))?(?!\d)", re.ASCII
)
UBRN: Final = re.compile(r"(?:.*\|)?(\d{12})", re.ASCII)
"""A value of `identifier`: a UBRN of a referral, a request for advice, or both."""
IF_MATCH: Final = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)

Moment = Scene | None
"""A scene, or `None` for the base world."""
Versions = tuple[int | None, ...]
"""The version of a record for each kind; `None` if no record of that kind exists."""


class Named(NamedTuple):
    """A record that a request names: its possible kinds, its number, and the version if the request gives one."""

    kinds: tuple[str, ...]
    number: str
    version: int | None


def named_in(path: str, query: str, if_match: str = "") -> Named | None:
    """Return the record that path and query name. Without a version there, `if_match` gives it."""
    values = [value for _, value in parse_qsl(query)]
    references = (found for text in (path, *values) if (found := named_in_text(text)) is not None)
    named = next(references, None) or _identified(query)
    version = IF_MATCH.fullmatch(if_match)
    return named._replace(version=int(version[1])) if named and version and named.version is None else named


def named_in_text(text: str) -> Named | None:
    """Return the first record that a text, such as a body, names."""
    found = NAMED.search(text)
    return None if found is None else Named((found[1],), found[2], None if found[3] is None else int(found[3]))


def _identified(query: str) -> Named | None:
    ubrn = next((UBRN.fullmatch(value) for name, value in parse_qsl(query) if name == "identifier"), None)
    return None if ubrn is None else Named((REFERRAL, ADVICE), ubrn[1], None)


def moment_of_question(named: Named, pack: Pack, operation: str) -> Sequence[Moment]:
    """Return the one moment in which to read a record; none if no moment has it."""
    holding = _holding(named, pack)
    if not holding:
        return ()
    wanted: Versions = (named.version,)
    if wanted not in holding.values():
        wanted = _current(list(holding.values()))
    if wanted not in holding.values():  # no moment has the current records of both kinds
        wanted = next(iter(holding.values()))
    fitting = [index for index, versions in holding.items() if versions == wanted]
    moments = _moments(pack)
    return [min((moments[index] for index in fitting), key=partial(_is_foreign, operation))]


def moments_of_act(named: Named, pack: Pack, operation: str) -> Sequence[Moment]:
    """Return the moments for an act on a record: the operation's scenes in order, then the first other moment."""
    holding, moments = _holding(named, pack), _moments(pack)
    in_version = [index for index, versions in holding.items() if versions == (named.version,)]
    found = [moments[index] for index in in_version or holding]
    others = [moment for moment in found if _is_foreign(operation, moment)]
    own = [scene for scene in pack.scenes if scene in found and not _is_foreign(operation, scene)]
    return [*own, *others[:1]]


def _moments(pack: Pack) -> list[Moment]:
    """Return the base world and the scenes from the latest to the earliest."""
    latest: list[Scene] = sorted(pack.scenes, key=attrgetter("now"), reverse=True)
    return [None, *latest]


def _is_foreign(operation: str, moment: Moment) -> bool:
    return moment is None or operation not in moment.operations


def _holding(named: Named, pack: Pack) -> dict[int, Versions]:
    """Return the versions of a record in the moments that have it, by the index of the moment."""
    found = dict[int, Versions]()
    for index, moment in enumerate(_moments(pack)):
        records = pack.records if moment is None or moment.as_it_is else moment.records
        versions = tuple(FINDERS[kind](records, named.number) for kind in named.kinds)
        if any(version is not None for version in versions):
            found[index] = versions
    return found


def _current(held: Sequence[Versions]) -> Versions:
    """Return the current version of each kind: that of the first moment that has one."""
    return tuple(
        next((version for version in of_kind if version is not None), None) for of_kind in zip(*held, strict=True)
    )


def _by_ubrn(kept: Sequence[KeptReferral | KeptConversation], number: str) -> int | None:
    return next((record.version for record in kept if record.value.ubrn == number), None)


def _appointment(records: LoadRecords, number: str) -> int | None:
    found = (record.value.appointment for record in records.referrals)
    return next((one.version for one in found if one is not None and str(one.id) == number), None)


FINDERS: Final[Mapping[str, Callable[[LoadRecords, str], int | None]]] = {
    REFERRAL: lambda records, number: _by_ubrn(records.referrals, number),
    ADVICE: lambda records, number: _by_ubrn(records.conversations, number),
    APPOINTMENT: _appointment,
}
"""Functions by kind that return the version of a record among the records of a moment."""
