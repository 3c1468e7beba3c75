"""A caller: one user in one role, or one application, with all operations."""

from __future__ import annotations

from openers_client.administration.registers import Administration
from openers_client.operations.advice import Advice
from openers_client.operations.base import correlated
from openers_client.operations.booking import Booking
from openers_client.operations.directory import Directory
from openers_client.operations.files import Files
from openers_client.operations.overview import Overviews
from openers_client.operations.review import Review
from openers_client.operations.worklists import Worklists
from openers_client.roles import Role


class Caller(Booking, Review, Advice, Worklists, Overviews, Files, Directory):
    """All operations of the service, for one caller. `ErsClient.caller` makes one."""

    @property
    def role(self) -> Role | None:
        """Return the role in which the caller acts; `None` for an application."""
        return self._calling.role

    @property
    def administration(self) -> Administration:
        """Return the registers of the administration API, for a role that may administer."""
        return Administration(self._calling)

    def correlated(self, correlation_id: str) -> Caller:
        """Return the same caller, all of whose calls have this correlation id."""
        return Caller(correlated(self._calling, correlation_id))
