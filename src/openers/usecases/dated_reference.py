"""Reference data of one world: what ships with the service, under the code sets that are in force today.

Sets are few, so a process keeps all of them. It reads them again after its own changes and once a second if any has
changed, and builds the two code systems once a day. Without sets nothing is added to the cost of a look-up.
"""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Final

import msgspec

from openers.domain.clock import Clock
from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName
from openers.domain.geography import Point
from openers.domain.identifiers import Postcode
from openers.domain.services.code_sets import SYSTEMS, CodeSet, Pair, in_force, mapped_terms, new_pairs
from openers.usecases.ports.transaction import ReferenceData, Store, Tx

_EDITIONS: Final = count(1)
"""Numbers of the code systems that this process has built."""


class DatedReference:
    """The `ReferenceData` port of one world, whose clock tells the day."""

    def __init__(self, shipped: ReferenceData, clock: Clock, sets: tuple[CodeSet, ...] = ()) -> None:
        """Store `shipped`, which has no code sets, and the sets that are known already."""
        self.shipped, self._clock = shipped, clock
        self._sets, self._read = sets, (0, 0)
        self._day: date | None = None
        self._mappings: list[dict[Pair, tuple[Pair, ...]]] = []
        self._systems: dict[CodeSystemName, CodeSystem] = {}

    def beside(self, clock: Clock) -> DatedReference:
        """Return the same reference data for a world with another clock, which begins with the same sets."""
        return DatedReference(self.shipped, clock, self._sets)

    def code_system(self, name: CodeSystemName) -> CodeSystem:
        """Return one of the six dynamic code systems as it is in force today."""
        if not self._sets:
            return self.shipped.code_system(name)
        self._bring_up()
        return self._systems.get(name) or self.shipped.code_system(name)

    def clinical_term(self, code: str) -> ClinicalTerm | None:
        """Return the SNOMED CT concept, which leads to the pairs that are in force today too."""
        term = self.shipped.clinical_term(code)
        if term is None or not self._sets:
            return term
        self._bring_up()
        return mapped_terms(term, self._mappings)

    def locate(self, postcode: Postcode) -> Point | None:
        """Return the location of a postcode's outward area."""
        return self.shipped.locate(postcode)

    async def follow(self, tx: Tx, generation: int) -> None:
        """Read the code sets if they have changed; `tx` reads a store of this generation."""
        read = (generation, await tx.registers.code_sets.edition())
        if read != self._read:
            self._sets = tuple(await tx.registers.code_sets.active())
            self._read, self._day = read, None

    def _bring_up(self) -> None:
        """Build the code systems of today, if those at hand are of another day."""
        today = self._clock.now().date()
        if today == self._day:
            return
        active = in_force(self._sets, today)
        self._mappings = [new_pairs([each]) for each in active if each.mapping]
        changed = {name: change(self.shipped.code_system(name), active) for name, change in SYSTEMS.items()}
        self._systems = {
            name: msgspec.structs.replace(system, edition=next(_EDITIONS)) for name, system in changed.items()
        }
        self._day = today


def shipped_of(reference: ReferenceData) -> ReferenceData:
    """Return the reference data as it ships, without code sets."""
    return reference.shipped if isinstance(reference, DatedReference) else reference


def dated(reference: ReferenceData, clock: Clock) -> ReferenceData:
    """Return the same reference data for another world, with its clock. It follows the store of that world."""
    return reference.beside(clock) if isinstance(reference, DatedReference) else reference


async def follow_code_sets(reference: ReferenceData, store: Store) -> None:
    """Bring the reference data of a world up to the code sets in its store. Raises Unavailable."""
    if isinstance(reference, DatedReference):
        async with store.read() as tx:
            await reference.follow(tx, store.generation)
