"""What an editor publishes: news, forward notices, the roadmap and the states of environments.

Source: rules part 2, chapter 3.3 (Special Terms: notice of four weeks for a minor change, of eight for a major one).
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import msgspec


class Kind(StrEnum):
    """A kind of item."""

    NEWS = "news"
    NOTICE = "notice"
    ROADMAP = "roadmap"
    STATE = "state"


class State(StrEnum):
    """Where a version of an item is: only the latest published one is shown to everybody."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Change(StrEnum):
    """How much a notified change asks of partners."""

    MINOR = "minor"
    MAJOR = "major"


NOTICE: Final = {Change.MINOR: timedelta(weeks=4), Change.MAJOR: timedelta(weeks=8)}
"""How long before a change its notice must be published."""
CONDITIONS: Final = {"up": "Available", "degraded": "Available with problems", "down": "Not available"}
LONGEST: Final = 10_000


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """The content of an item. `on` is the day of a change or of a plan; `change` belongs to a notice.

    `environment` and `condition` belong to the state of an environment.
    """

    title: str
    text: str
    on: date | None = None
    change: Change | None = None
    environment: str = ""
    condition: str = ""


def faults(kind: Kind, item: Item, today: date) -> dict[str, str]:
    """Return what is wrong with an item that would be published today, by field; empty if nothing is."""
    wrong = dict[str, str]()
    if not item.title:
        wrong["title"] = "Enter a title"
    if not item.text and kind is not Kind.STATE:
        wrong["text"] = "Enter the text"
    if len(item.text) > LONGEST:
        wrong["text"] = f"Use at most {LONGEST} characters"
    if kind is Kind.NOTICE:
        wrong |= _faults_of_notice(item, today)
    if kind is Kind.ROADMAP and item.on is None:
        wrong["on"] = "Enter the day by which it is planned"
    if kind is Kind.STATE and (not item.environment or item.condition not in CONDITIONS):
        wrong["condition"] = "Choose the environment and its state"
    return wrong


def earliest(change: Change, today: date) -> date:
    """Return the earliest day of a change whose notice is published today."""
    return today + NOTICE[change]


def _faults_of_notice(item: Item, today: date) -> dict[str, str]:
    if item.change is None:
        return {"change": "Choose whether the change is minor or major"}
    first = earliest(item.change, today)
    if item.on is None or item.on < first:
        weeks = NOTICE[item.change].days // 7
        return {"on": f"A {item.change} change needs {weeks} weeks' notice: {first:%d %B %Y} is the earliest day"}
    return {}
