"""Whether the parts of a pack fit each other: keys are unique, and what is referred to is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from openers.domain.codes import ClinicalTerm
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.patient import Patient


class Parts(Protocol):
    """The parts of a pack."""

    @property
    def organisations(self) -> tuple[Organisation, ...]: ...  # noqa: D102 - the names say it
    @property
    def sites(self) -> tuple[Site, ...]: ...  # noqa: D102
