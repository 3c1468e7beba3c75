"""The log-in page of test mode, on which the user picks a person, and the page that explains a failed log-in.

It replaces a smartcard or CIS2 log-in, so it shows the assurance levels of each person. The authorisation endpoint
calls it through its `Pages` protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from openers.domain.directory import Assurance, User
from openers.domain.identifiers import OdsCode
from openers.domain.principal import BusinessFunction
from openers.identity.assurance import identity_is_verified, method_is_accepted
from openers.identity.log_in import Choice
from openers.web.frame import PAGES, frame
from openers_web.layout import Frame

METHODS: Final = {
    "N3_SMARTCARD": "smartcard",
    "TOTP": "authenticator app",
    "FIDO2": "security key",
    "WINDOWS_HELLO": "Windows Hello",
    "IOS": "app on a phone or tablet",
}
ABBREVIATIONS: Final = {"BMS", "HCP", "ERS"}


class Person(msgspec.Struct, frozen=True):
    """One person as shown on the page."""

    id: str
    name: str
    roles: tuple[str, ...]
    log_in: str
    accepted: bool


class LogInPages:
    """The pages of a log-in."""

    def __init__(self, *, production: bool = False) -> None:
        """Store the mode; only in test mode do the pages say that all data is synthetic."""
        self._production = production

    def choose_person(self, choice: Choice, root: str) -> str:
        """Return the page on which the user picks a person; `root` is the path of the world's address."""
        people = [_person(user, choice.organisations) for user in choice.people]
        return PAGES.render("choose_person.html", self._frame(root), choice=choice, people=people, root=root)

    def confirm_log_out(self, handle: str, name: str, root: str) -> str:
        """Return the page on which the person with this name confirms a log-out; `root` is as above."""
        return PAGES.render("confirm_log_out.html", self._frame(root), handle=handle, name=name, root=root)

    def logged_out(self, root: str) -> str:
        """Return the page that says that nobody is logged in any more; `root` is as above."""
        return PAGES.render("logged_out.html", self._frame(root))

    def refusal(self, explanation: str, root: str) -> str:
        """Return the page that explains why a log-in cannot continue; `root` is as above."""
        return PAGES.render("refusal.html", self._frame(root), explanation=explanation)

    def _frame(self, root: str) -> Frame:
        return frame(root, production=self._production)


def _person(user: User, organisations: Mapping[OdsCode, str]) -> Person:
    roles = tuple(
        f"{in_words(function)} at {_place(role.organisation, organisations)}"
        for role in user.roles
        for function in role.functions
    )
    assurance = user.assurance
    accepted = identity_is_verified(assurance) and method_is_accepted(assurance)
    return Person(str(user.id), user.name, roles, log_in_in_words(assurance), accepted)


def _place(ods: OdsCode, organisations: Mapping[OdsCode, str]) -> str:
    return f"{organisations[ods]} ({ods})" if ods in organisations else str(ods)


def in_words(function: BusinessFunction) -> str:
    """Return a role in ordinary words."""
    words = [word if word in ABBREVIATIONS else word.lower() for word in function.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def log_in_in_words(assurance: Assurance) -> str:
    """Return the log-in method of a person and its assurance levels."""
    method = METHODS.get(assurance.method, assurance.method)
    levels = f"identity level {assurance.identity_level}, authenticator level {assurance.authenticator_level}"
    return f"Logs in by {method}: {levels}"
