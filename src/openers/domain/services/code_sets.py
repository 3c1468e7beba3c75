"""Dated code sets: what changes in the specialties and clinic types on a day, with a mapping of old pairs to new ones.

A set adds, renames and ends codes; it never removes one, because referrals and services keep the codes that they were
given. Source: rules part 3, chapter A.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName, Concept

Pair = tuple[str, str]
"""A specialty and a clinic type of it."""
Systems = tuple[CodeSystem, CodeSystem]
"""Specialties and clinic types."""


class SpecialtyCode(msgspec.Struct, frozen=True):
    """A specialty that a set adds or renames."""

    code: str
    display: str


class ClinicTypeCode(msgspec.Struct, frozen=True):
    """A clinic type that a set adds or changes, with the specialties to which it belongs."""

    code: str
    display: str
    specialties: tuple[str, ...]


class Mapped(msgspec.Struct, frozen=True):
    """A pair that is not used any more, and those that take its place; none if nothing does."""

    old: Pair
    new: tuple[Pair, ...] = ()


class CodeSet(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one day. From `starts` on they are in force, unless the set was ended before that day."""

    starts: date
    specialties: tuple[SpecialtyCode, ...] = ()
    clinic_types: tuple[ClinicTypeCode, ...] = ()
    ended_specialties: frozenset[str] = frozenset()
    ended_clinic_types: frozenset[str] = frozenset()
    mapping: tuple[Mapped, ...] = ()
    active: bool = True

    def is_in_force(self, day: date) -> bool:
        """Return whether the changes are in force on `day`."""
        return self.active and self.starts <= day


def in_force(sets: Iterable[CodeSet], day: date) -> list[CodeSet]:
    """Return the sets that are in force on `day`, in the order in which they came into force."""
    return sorted((each for each in sets if each.is_in_force(day)), key=lambda each: each.starts)


def specialties(shipped: CodeSystem, sets: Iterable[CodeSet]) -> CodeSystem:
    """Return the specialties under these sets, which come in the order of their days."""
    changes = ((each, [_Change(it.code, it.display) for it in each.specialties]) for each in sets)
    return _changed(shipped, ((each, rows, each.ended_specialties) for each, rows in changes))


def clinic_types(shipped: CodeSystem, sets: Iterable[CodeSet]) -> CodeSystem:
    """Return the clinic types under these sets, which come in the order of their days."""
    changes = ((each, [_Change(it.code, it.display, it.specialties) for it in each.clinic_types]) for each in sets)
    return _changed(shipped, ((each, rows, each.ended_clinic_types) for each, rows in changes))


def new_pairs(sets: Iterable[CodeSet]) -> dict[Pair, tuple[Pair, ...]]:
    """Return the pairs that take the place of each mapped one, for many look-ups. The latest mapping counts."""
    return {row.old: row.new for each in sets for row in each.mapping}


def mapped_terms(term: ClinicalTerm, mappings: Iterable[Mapping[Pair, tuple[Pair, ...]]]) -> ClinicalTerm:
    """Return a clinical term that leads to the new pairs too; `mappings` are the `new_pairs` of one set after another.

    The time does not depend on the lengths of the mappings.
    """
    pairs = dict.fromkeys(term.leads_to)
    for mapping in mappings:
        pairs |= dict.fromkeys(new for old in pairs for new in mapping.get(old, ()))
    return term if len(pairs) == len(term.leads_to) else msgspec.structs.replace(term, leads_to=tuple(pairs))


def is_in_use(pair: Pair, systems: Systems, day: date) -> bool:
    """Return whether services may have a pair on `day`."""
    specialty, clinic_type = (system.concepts.get(code) for system, code in zip(systems, pair, strict=True))
    if specialty is None or clinic_type is None or pair[0] not in clinic_type.values("specialty"):
        return False
    return specialty.effective_on(day) and clinic_type.effective_on(day)


def faults(new: CodeSet, systems: Systems) -> Iterator[tuple[str, str, str]]:
    """Yield cause, place and cure of what is wrong with a set; the systems are those under the sets before it."""
    known = ({*systems[0].concepts}, {*systems[1].concepts})
    for index, codes, name in ((0, new.specialties, "specialties"), (1, new.clinic_types, "clinic_types")):
        seen = set[str]()
        for place, each in enumerate(codes):
            if each.code in seen:
                yield f"{each.code} comes twice", f"/{name}/{place}/code", "name each code once"
            seen.add(each.code)
        known[index].update(seen)
    yield from _unknown_codes(new, known)
    after = (specialties(systems[0], [new]), clinic_types(systems[1], [new]))
    seen_pairs = set[Pair]()
    for place, row in enumerate(new.mapping):
        if row.old in seen_pairs:
            yield f"{'/'.join(row.old)} is mapped twice", f"/mapping/{place}/old", "map each pair once"
        seen_pairs.add(row.old)
        if row.old[0] not in known[0] or row.old[1] not in known[1]:
            yield f"there is no pair {'/'.join(row.old)}", f"/mapping/{place}/old", "use codes of A004"
        for index, pair in enumerate(row.new):
            if not is_in_use(pair, after, new.starts):
                cure = "map to pairs that are in use on the day on which the set starts"
                yield f"{'/'.join(pair)} is not in use on {new.starts}", f"/mapping/{place}/new/{index}", cure


def _unknown_codes(new: CodeSet, known: tuple[set[str], set[str]]) -> Iterator[tuple[str, str, str]]:
    for place, each in enumerate(new.clinic_types):
        for code in each.specialties:
            if code not in known[0]:
                where = f"/clinic_types/{place}/specialties"
                yield f"there is no specialty {code}", where, "name it among the specialties of the set"
    kinds = (
        ("specialty", "ended_specialties", new.ended_specialties, {each.code for each in new.specialties}),
        ("clinic type", "ended_clinic_types", new.ended_clinic_types, {each.code for each in new.clinic_types}),
    )
    for codes, (what, name, ended, added) in zip(known, kinds, strict=True):
        for code in sorted(ended):
            if code in added:
                yield f"the {what} {code} is both changed and ended", f"/{name}", "leave it out of one of the two"
            elif code not in codes:
                yield f"there is no {what} {code} to end", f"/{name}", "use codes of A004"


class _Change(msgspec.Struct, frozen=True):
    code: str
    display: str
    specialties: tuple[str, ...] | None = None


def _changed(system: CodeSystem, changes: Iterable[tuple[CodeSet, list[_Change], frozenset[str]]]) -> CodeSystem:
    """Return a system under changes, which come in the order of their days."""
    concepts, changed = dict(system.concepts), system.changed
    for of, rows, ended in changes:
        start = _midnight(of.starts)
        for row in rows:
            concepts[row.code] = _concept(row, concepts.get(row.code), start)
        for code in ended & concepts.keys():
            if _lasts(concepts[code], start):
                concepts[code] = msgspec.structs.replace(concepts[code], effective_to=start)
        if rows or ended:
            changed = max(changed, start)
    return msgspec.structs.replace(system, concepts=concepts, changed=changed)


def _concept(row: _Change, old: Concept | None, start: Instant) -> Concept:
    """Return a code after a change: one that has ended begins again."""
    since = old.effective_from if old is not None and _lasts(old, start) else start
    own = () if row.specialties is None else tuple(("specialty", code) for code in row.specialties)
    return Concept(row.code, row.display, since, None, own)


def _lasts(concept: Concept, moment: Instant) -> bool:
    return concept.effective_to is None or moment < concept.effective_to


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


SYSTEMS = {CodeSystemName.SPECIALTY: specialties, CodeSystemName.CLINIC_TYPE: clinic_types}
"""The code systems that sets change, each with the function that applies sets to it."""
