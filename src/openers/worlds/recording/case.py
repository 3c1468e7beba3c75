"""A call that is to be explained, with what its explanation goes by. Made by `openers.worlds.http`."""

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
    """Whose the record of a call is: the organisation that made it, the workgroup that holds it, and its state."""

    owner: str
    workgroup: str | None
    state: str


class Case(msgspec.Struct, frozen=True):
    """A call that is to be explained, the gateway that it came through, and whose its record is now, if it has one."""

    exchange: Exchange
    gateway: Gateway
    holder: Holder | None = None

    def sent(self, header: str) -> str:
        """A header of the request."""
        return self.exchange.request.header(header)

    @property
    def is_of_a_person(self) -> bool:
        """Whether somebody is logged in."""
        return self.exchange.caller is not None and self.exchange.caller.user is not None

    @property
    def has_roles(self) -> bool:
        """Whether the operation is for certain roles."""
        return self.exchange.operation is not None and self.exchange.operation.roles is not None

    @property
    def has_record(self) -> bool:
        """Whether the call is about a record that its address or body names."""
        operation = self.exchange.operation
        return bool(self.exchange.ubrn) or (operation is not None and "{" in operation.path)

    @property
    def takes_json(self) -> bool:
        """Whether the operation takes a body of FHIR JSON."""
        return self.exchange.operation is not None and self.exchange.operation.request is not None

    @property
    def roles_held(self) -> list[str]:
        """Each role that the caller holds, and where."""
        caller = self.exchange.caller
        return [] if caller is None else [f"{function} at {ods}" for ods, function in caller.roles]

    @property
    def roles_that_may(self) -> list[str]:
        """The roles that may call the operation."""
        operation = self.exchange.operation
        return [] if operation is None else sorted(map(str, (*(operation.roles or ()), *operation.applications)))

    @property
    def told(self) -> str:
        """What the refusal said."""
        return "" if self.exchange.problem is None else self.exchange.problem.diagnostics

    @property
    def failed(self) -> Check | None:
        """The check that refused."""
        return None if self.exchange.problem is None else self.exchange.problem.rule.check
