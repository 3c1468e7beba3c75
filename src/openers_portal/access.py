"""Who may do what: one table, closed by default. Roles of partners hold for one partner, those of staff for all."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A role of a person in the portal."""

    DEVELOPER = "developer"
    MANAGER = "manager"
    DESK = "desk agent"
    IMPLEMENTATION = "implementation manager"
    EDITOR = "editor"
    OPERATOR = "operator"


STAFF: Final = (Role.DESK, Role.IMPLEMENTATION, Role.EDITOR, Role.OPERATOR)
PARTNER: Final = (Role.DEVELOPER, Role.MANAGER)


class Act(StrEnum):
    """What a person does on a page."""

    READ = "read what everybody may read"
    REGISTER = "register a partner"
    READ_PARTNER = "read the records of a partner"
    CHANGE_PRODUCT = "change a product"
    CONNECT = "register and change an endpoint"
    CARDS = "ask for smartcards"
    PACKS = "make test packs"
    SIGN = "sign documents for a partner"
    APPROVE = "store the outcome of an approval"
    CHANGE_PEOPLE = "change who belongs to a partner"
    ASK_DESK = "raise and continue a case"
    WORK_DESK = "work on cases of the desk"
    EDIT = "edit notices, news, roadmap and states"
    READ_INTEREST = "read the interest list"
    GIVE_ROLES = "give roles to staff"


class Reach(StrEnum):
    """Whose records a right covers."""

    NONE = "none"
    OWN = "own partner"
    ALL = "all"


_OPEN: Final = {Act.READ: Reach.ALL, Act.REGISTER: Reach.ALL}
_MEMBER: Final = {
    **_OPEN,
    **dict.fromkeys((Act.READ_PARTNER, Act.CHANGE_PRODUCT, Act.CONNECT, Act.CARDS, Act.PACKS, Act.ASK_DESK), Reach.OWN),
}

RIGHTS: Final[dict[Role, dict[Act, Reach]]] = {
    Role.DEVELOPER: _MEMBER,
    Role.MANAGER: {**_MEMBER, Act.CHANGE_PEOPLE: Reach.OWN, Act.SIGN: Reach.OWN},
    Role.DESK: {**_OPEN, Act.READ_PARTNER: Reach.ALL, Act.WORK_DESK: Reach.ALL},
    Role.IMPLEMENTATION: {**_OPEN, Act.READ_PARTNER: Reach.ALL, Act.APPROVE: Reach.ALL},
    Role.EDITOR: {**_OPEN, Act.EDIT: Reach.ALL, Act.READ_INTEREST: Reach.ALL},
    Role.OPERATOR: {
        **_OPEN,
        Act.APPROVE: Reach.ALL,
        **dict.fromkeys((Act.READ_PARTNER, Act.WORK_DESK, Act.EDIT, Act.READ_INTEREST, Act.GIVE_ROLES), Reach.ALL),
    },
}
"""The rights of each role. A person without a role may do what `LOGGED_IN` holds."""
LOGGED_IN: Final = _OPEN
"""The rights of everybody who is logged in."""


def reach(role: Role, act: Act) -> Reach:
    """Return whose records `role` gives a right to."""
    return RIGHTS[role].get(act, Reach.NONE)
