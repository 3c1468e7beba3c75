"""The kinds of callers, and which referrals and requests for advice each may see.

- `Principal`: a professional or an application in one role. It sees records with a legitimate relationship to it.
- `Pas`: a Patient Administration System (PAS). It sees the bookings that it holds.
- `SYSTEM`: the service itself. It sees everything.

The service acts as `SYSTEM` for due work, operator commands and the explanations of test mode. Operations and the pages
of `web` must not import this module; an import contract forbids it. Source: rules chapters 1.3 and 7.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.booking import PasLink
from openers.domain.identifiers import OdsCode
from openers.domain.principal import Principal


class Pas(msgspec.Struct, frozen=True):
    """A Patient Administration System, identified by the application that calls for it."""

    application: str

    def may_see(self, link: PasLink | None) -> bool:
        """Return whether this PAS holds the bookings of a service; `link` is the PAS link of that service."""
        return link is not None and link.client_id == self.application


class System(msgspec.Struct, frozen=True):
    """The service itself."""

    def may_see(self, owner: OdsCode, workgroup: str | None) -> bool:
        """Return `True`: the service may see every record."""
        return True


SYSTEM: Final = System()

Viewer = Principal | System
"""Callers whose view of a record depends on the record's owner and workgroup."""
