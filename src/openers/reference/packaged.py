"""The `ReferenceData` port over this package's files: cheap to construct, each file is read once on first use."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName
from openers.domain.geography import Point
from openers.domain.identifiers import Postcode
from openers.reference.tables import (
    SystemHeader,
    read_clinical_terms,
    read_code_system,
    read_headers,
    read_outward_codes,
)


class PackagedReference:
    """Reference data as shipped, with the clinical terms that a world adds."""

    def __init__(self, extra_terms: Iterable[ClinicalTerm] = ()) -> None:
        """Add `extra_terms` to the dictionary; one with the code of a shipped term replaces it."""
        self._extra_terms = tuple(extra_terms)
        self._systems: dict[CodeSystemName, CodeSystem] = {}

    def learn(self, terms: Iterable[ClinicalTerm]) -> None:
        """Add more terms to the dictionary."""
        new = tuple(term for term in terms if self.clinical_term(term.code) != term)
        if new:
            self._extra_terms = (*self._extra_terms, *new)
            del self._terms

    def code_system(self, name: CodeSystemName) -> CodeSystem:
        """Return one of the six dynamic code systems."""
        system = self._systems.get(name)
        if system is None:
            system = self._systems[name] = read_code_system(self._headers[name])
        return system

    def clinical_term(self, code: str) -> ClinicalTerm | None:
        """Return the SNOMED CT concept, or `None` if the dictionary lacks it."""
        return self._terms.get(code)

    def locate(self, postcode: Postcode) -> Point | None:
        """Return the location of a postcode's outward area: the mean of its postcodes.

        In a town the area is a few kilometres wide.
        """
        return self._outward_codes.get(postcode.outward)

    @cached_property
    def _headers(self) -> dict[CodeSystemName, SystemHeader]:
        return read_headers()

    @cached_property
    def _terms(self) -> dict[str, ClinicalTerm]:
        return {term.code: term for term in (*read_clinical_terms(), *self._extra_terms)}

    @cached_property
    def _outward_codes(self) -> dict[str, Point]:
        return read_outward_codes()
