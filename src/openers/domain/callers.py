"""Who calls, and what each kind of caller may see of referrals and requests for advice.

- A professional or an application in one role is a `Principal`: what their legitimate relationship shows them.
- A Patient Administration System (PAS) is a `Pas`: the bookings that it holds itself.
- The service itself is `SYSTEM`: everything. It does the work that falls due and the commands of its operators, and
  test mode explains calls through it. Operations and the pages of `web` don't import this module: a contract of imports
  forbids it.

Source: rules chapters 1.3 and 7.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.booking import PasLink
from openers.domain.identifiers import OdsCode
from openers.domain.principal import Principal


class Pas(msgspec.Struct, frozen=True):
    """The system of a hospital, known by the application as which it calls."""

    application: str

    def may_see(self, link: PasLink | None) -> bool:
        """Whether it holds the bookings of a service; `link` is where the PAS of that service is."""
        return link is not None and link.client_id == self.application


class System(msgspec.Struct, frozen=True):
    """The service itself."""

    def may_see(self, owner: OdsCode, workgroup: str | None) -> bool:
        """Whether it may see a record: any, whoever made it and whichever service holds it."""
        return True


SYSTEM: Final = System()

Viewer = Principal | System
"""Callers whose view of a record follows from whose it is."""
