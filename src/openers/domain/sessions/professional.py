"""A professional session: a person in one role, as the session API knows callers instead of tokens and headers.

It is provisional after A001, and valid once a role is chosen (A002). A provider clinician's administrator also names
the clinician for whom they act. Source: ADR 0072.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.directory import User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import APPLICATION_FUNCTIONS, SPC, SPCA, BusinessFunction

LONGEST_KEY: Final = 128
"""Maximum characters of a session key."""


class SessionState(StrEnum):
    """How far a session is established."""

    PROVISIONAL = "provisional"
    INCOMPLETE = "incomplete"
    VALID = "valid"


class SessionFault(StrEnum):
    """Why a call of the session API is refused because of its session."""

    HEADERS_DIFFER = "HEADERS_DIFFER"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    TOKEN_NOT_VALID = "TOKEN_NOT_VALID"
    TOKEN_DIFFERS = "TOKEN_DIFFERS"
    LOG_IN_TOO_WEAK = "LOG_IN_TOO_WEAK"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_OF_ANOTHER_SYSTEM = "SESSION_OF_ANOTHER_SYSTEM"
    SESSION_NOT_ESTABLISHED = "SESSION_NOT_ESTABLISHED"
    PERMISSION_NOT_HELD = "PERMISSION_NOT_HELD"
    ROLE_ALREADY_CHOSEN = "ROLE_ALREADY_CHOSEN"
    ON_BEHALF_OF_MISSING = "ON_BEHALF_OF_MISSING"
    ON_BEHALF_OF_NOT_VALID = "ON_BEHALF_OF_NOT_VALID"
    ON_BEHALF_OF_NOT_AT_ORGANISATION = "ON_BEHALF_OF_NOT_AT_ORGANISATION"
    ON_BEHALF_OF_NOT_SPC = "ON_BEHALF_OF_NOT_SPC"
    ON_BEHALF_OF_NO_COMMON_SERVICE = "ON_BEHALF_OF_NO_COMMON_SERVICE"
    ON_BEHALF_OF_NOT_EXPECTED = "ON_BEHALF_OF_NOT_EXPECTED"


class SessionRefused(Exception):
    """A session cannot be begun, changed or used. `text` gives cause and cure."""

    def __init__(self, fault: SessionFault, text: str) -> None:
        """Store the fault and the text."""
        super().__init__(fault, text)
        self.fault, self.text = fault, text


class Permission(msgspec.Struct, frozen=True):
    """A business function at an organisation."""

    organisation: OdsCode
    function: BusinessFunction


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller of A002 has sent: a role, or the clinician for whom to act. `token` is checked if it is sent.

    `names_clinician` is true if the caller has named one, also in a wrong form.
    """

    permission: Permission | None = None
    on_behalf_of: UserId | None = None
    names_clinician: bool = False
    token: str = ""


class SessionRules(msgspec.Struct, frozen=True):
    """How long a session may be unused, and how long it lasts at most.

    `plain` accepts the sandpit's token (a user id and three fillers), for which no smartcard is needed.
    """

    idle: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=12)
    plain: bool = False

    @property
    def noted_after(self) -> timedelta:
        """How long a session is used before its use is recorded again, so that most calls write nothing."""
        return self.idle / 15


class ProfessionalSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session. `core` is the session of the smartcard, with which it ends; `asid` is the system that began it.

    `token` is the digest of the log-in token. `on_behalf_of` is the clinician for whom an administrator acts.
    """

    id: str
    core: str
    user: UserId
    asid: str
    token: str
    began: Instant
    used: Instant
    ends: Instant
    permission: Permission | None = None
    on_behalf_of: UserId | None = None

    @property
    def state(self) -> SessionState:
        """How far it is established."""
        if self.permission is None:
            return SessionState.PROVISIONAL
        waits = self.permission.function is SPCA and self.on_behalf_of is None
        return SessionState.INCOMPLETE if waits else SessionState.VALID

    @property
    def effective_function(self) -> BusinessFunction | None:
        """The function that decides about access: that of the clinician for whom somebody acts, else the own one."""
        own = None if self.permission is None else self.permission.function
        return own if self.on_behalf_of is None else SPC

    def is_over(self, rules: SessionRules, now: Instant) -> bool:
        """Return whether it has reached its maximum or idle time."""
        return now >= self.ends or now >= self.used + rules.idle


def permissions_of(user: User) -> Sequence[Permission]:
    """Return the roles that a person may choose, sorted by organisation, then by function."""
    held = {
        (role.organisation, function)
        for role in user.roles
        for function in role.functions
        if function not in APPLICATION_FUNCTIONS
    }
    return [Permission(organisation, function) for organisation, function in sorted(held)]


def act_for_fault(admin: User, clinician: User | None, organisation: OdsCode) -> SessionFault | None:
    """Return why an administrator may not act for a clinician; `None` if they may."""
    if clinician is None or not clinician.active:
        return SessionFault.ON_BEHALF_OF_NOT_VALID
    if not clinician.works_at(organisation):
        return SessionFault.ON_BEHALF_OF_NOT_AT_ORGANISATION
    if not clinician.holds(SPC, organisation):
        return SessionFault.ON_BEHALF_OF_NOT_SPC
    if admin.workgroups_at(organisation).isdisjoint(clinician.workgroups_at(organisation)):
        return SessionFault.ON_BEHALF_OF_NO_COMMON_SERVICE
    return None
