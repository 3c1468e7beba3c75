"""Smartcards that a partner asks for: which roles they may have, and how a role is added to a card.

A card works in one environment. Its number (UUID) is the id of its holder there.
Source: rules part 2, chapter 3.5; FAQ of 1 June 2018, questions 12, 15 and 16.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

MOST_NEW: Final = 4
"""New cards of one request."""
MOST_OF_PARTNER: Final = 100
"""Cards that one partner may ask for in all."""
UUID: Final = re.compile(r"[0-9]{12}", re.ASCII)
WORKGROUP: Final = re.compile(r"[A-Z0-9]{3,10}/[^/\r\n]{1,80}", re.ASCII)
MOST_WORKGROUPS: Final = 10
ROLES: Final = {
    "REFERRING_CLINICIAN": "B1101: searches, refers, adds letters",
    "REFERRING_CLINICIAN_ADMIN": "B1102: the same on behalf of a clinician",
    "REFERRING_ADMIN": "B1103: a clerk who books, without clinical data",
    "SERVICE_DEFINER": "B1107: defines services, and links them to a PAS",
    "SERVICE_PROVIDER_CLINICIAN": "B1110: reviews referrals",
    "SERVICE_PROVIDER_CLINICIAN_ADMIN": "B1115: the same on behalf of a clinician",
    "SERVICE_PROVIDER_ADMIN": "B1120: a booking clerk, without clinical data",
    "COMMISSIONER": "B1106: says which practices may refer",
}
"""The business functions that a card may get, each with its activity. None operates the environment."""


class CardState(StrEnum):
    """How far a card is. A waiting one is finished as soon as its environment answers, also after a restart."""

    WAITING = "waiting"
    ISSUED = "issued"
    REFUSED = "refused"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: a new card, or roles on an existing one. `refusal` says why the environment refuses it."""

    environment: str
    uuid: str
    is_new: bool
    name: str
    organisation: str
    functions: tuple[str, ...]
    workgroups: tuple[str, ...] = ()
    by: str = ""
    refusal: str = ""


def new_uuid() -> str:
    """Return the number of a new card: 12 digits."""
    return f"555{secrets.randbelow(10**9):09d}"


def record_of(card: Card) -> dict[str, Any]:
    """Return the person whom a new card makes, as the administration of an environment takes it."""
    return with_roles({"id": card.uuid, "name": card.name, "roles": [], "workgroups": []}, card)


def with_roles(person: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """Return a person with the roles of the card added. A person who has them stays the same."""
    roles: list[dict[str, Any]] = [dict(each) for each in person["roles"]]
    own = next((each for each in roles if _is_own(each, card.organisation)), None)
    if own is None:
        own = dict[str, Any](organisation=card.organisation, functions=[])
        roles.append(own)
    own["functions"] = _joined(own["functions"], card.functions)
    return {**person, "roles": roles, "workgroups": _joined(person.get("workgroups", ()), card.workgroups)}


def read_workgroups(text: str) -> tuple[str, ...]:
    """Return the workgroups in a text, one a line. Raises ValueError with what is wrong."""
    found = tuple(each.strip() for each in text.split("\n") if each.strip())
    if len(found) > MOST_WORKGROUPS:
        raise ValueError(f"Use at most {MOST_WORKGROUPS} workgroups")
    for each in found:
        if not WORKGROUP.fullmatch(each):
            raise ValueError(f"Write {each[:40]} as ODS code, slash and name, such as RCD/Cardiology")
    return found


def _is_own(role: Mapping[str, Any], organisation: str) -> bool:
    """Return whether a role is at the organisation, and is none that a log-in replaces."""
    return role["organisation"] == organisation and not role.get("from_claims", False)


def _joined(present: Sequence[str], added: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*present, *added)))
