"""The administrator: an application registered to administer, for itself or for a person in one role."""

from __future__ import annotations

import msgspec

from openers.domain.administration.rights import FUNCTIONS, Caller, Method, Reach, Resource, reach_of
from openers.domain.audit import AuditEntry
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction


class Role(msgspec.Struct, frozen=True):
    """The person for whom an application acts, in one of the functions that may administer."""

    user: UserId
    organisation: OdsCode
    function: BusinessFunction
    session: str


class Administrator(msgspec.Struct, frozen=True):
    """One caller of the administration. Without `role` the application acts for itself."""

    application: str
    asid: str = ""
    role: Role | None = None

    @property
    def caller(self) -> Caller:
        """The kind of caller."""
        return Caller.APPLICATION if self.role is None else FUNCTIONS[self.role.function]

    def reach(self, resource: Resource, method: Method) -> Reach:
        """Return which records of `resource` the caller may read, put or end."""
        return reach_of(self.caller, resource, method)

    def may(self, resource: Resource, method: Method, owners: frozenset[OdsCode]) -> bool:
        """Return whether the caller may do this with a record that belongs to the organisations `owners`."""
        match self.reach(resource, method):
            case Reach.ALL:
                return True
            case Reach.OWN:
                return self.role is not None and self.role.organisation in owners
            case Reach.NONE:
                return False

    def stamp(self, entry: AuditEntry) -> None:
        """Record the caller in the audit entry of the call."""
        entry.application, entry.asid = self.application, self.asid
        if self.role is not None:
            entry.user, entry.session = self.role.user, self.role.session
            entry.organisation, entry.business_function = self.role.organisation, self.role.function
