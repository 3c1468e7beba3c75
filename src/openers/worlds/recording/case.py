"""A call to explain, with the data for its explanation. Created by `openers.worlds.http`."""

from __future__ import annotations

from typing import Final

import msgspec

from openers.api.gateway import Gateway
from openers.wire.rules import Check
from openers.worlds.recording.exchange import Exchange

ODS: Final = "NHSD-End-User-Organisation-ODS"
FUNCTION: Final = "NHSD-eRS-Business-Function"
ON_BEHALF_OF: Final = "NHSD-eRS-On-Behalf-Of-User-ID"


class Holder(msgspec.Struct, frozen=True):
    """The holder of a call's record: the organisation that created it, the workgroup that has it, and its state."""

    owner: str
    workgroup: str | None
    state: str


class Case(msgspec.Struct, frozen=True):
    """A call to explain, its gateway, and the current holder of its record, if it has one."""

    exchange: Exchange
    gateway: Gateway
    holder: Holder | None = None

    def sent(self, header: str) -> str:
        """Return a header of the request."""
        return self.exchange.request.header(header)

    @property
    def is_of_a_person(self) -> bool:
        """Return whether a user is logged in."""
        return self.exchange.caller is not None and self.exchange.caller.user is not None

    @property
    def has_roles(self) -> bool:
        """Return whether the operation is limited to certain roles."""
        return self.exchange.operation is not None and self.exchange.operation.roles is not None

    @property
    def has_record(self) -> bool:
        """Return whether the address or body of the call names a record."""
        operation = self.exchange.operation
        return bool(self.exchange.ubrn) or (operation is not None and "{" in operation.path)

    @property
    def takes_json(self) -> bool:
        """Return whether the operation needs a body of FHIR JSON."""
        return self.exchange.operation is not None and self.exchange.operation.request is not None

    @property
    def roles_held(self) -> list[str]:
        """Return each role of the caller with its organisation."""
        caller = self.exchange.caller
        return [] if caller is None else [f"{function} at {ods}" for ods, function in caller.roles]

    @property
    def roles_that_may(self) -> list[str]:
        """Return the roles that may call the operation."""
        operation = self.exchange.operation
        return [] if operation is None else sorted(map(str, (*(operation.roles or ()), *operation.applications)))

    @property
    def told(self) -> str:
        """Return the text of the refusal."""
        return "" if self.exchange.problem is None else self.exchange.problem.diagnostics

    @property
    def failed(self) -> Check | None:
        """Return the check that refused the call."""
        return None if self.exchange.problem is None else self.exchange.problem.rule.check
