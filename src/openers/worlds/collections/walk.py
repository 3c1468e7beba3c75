"""The walk through all operations: an order in which each request finds the records that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openers.api.examples import Example, example_name, example_of
from openers.api.operation import Operation
from openers.api.registry import all_operations
from openers.worlds.collections.requests import Chapter, Request, request_of, token_of

TEST_MODE: Final = "Test mode: "
RUN_DUE_WORK: Final = "run due work"
"""Scans uploaded files at once."""
LOOK: Final = ("a004", "a010", "a033", "a035", "a037", "a030", "a040", "x003", "x004")
REFER: Final = ("a011", "a005", "a005-version", "a008", "a041")
LETTER: Final = ("a020", RUN_DUE_WORK, "a012")
FILES: Final = ("a039", *LETTER, "a006", "a042")
BOOK: Final = ("a015", "a016", "a005")
REVIEW: Final = ("a038", "a038-version", "a029", "x005", "x006", "x007", "a019", "a007", "a013")
BOOKED_WITH_LETTER: Final = ("a011", *LETTER, *BOOK)
"""A provider decides on a referral only after its letter has been written."""
CHAPTERS: Final = {
    "Look around": LOOK,
    "Refer": REFER,
    "Write a letter": FILES,
    "Book and review": (*BOOK, *REVIEW),
    "Cancel an appointment": ("a011", *BOOK, "a034"),
    "Book later": (*BOOKED_WITH_LETTER, "a022"),
    "Reject, change and cancel": (*BOOKED_WITH_LETTER, "a014", "a031", "a036"),
    "Triage": ("a021", "a028", "a032"),
    "Advice": ("a044", "a024", "a024-version", "a023", "x001", "a026", "a025", "a043", "x002"),
    "Advice that becomes a referral": ("a044", "a027"),
}
"""The examples of each chapter."""


def walk() -> tuple[Chapter, ...]:
    """Return all requests, after the log-ins that they need."""
    named = {example_name(each): (each, example_of(each, "{{base_url}}")) for each in all_operations()}
    chapters = [Chapter(title, tuple(_requests(names, named))) for title, names in CHAPTERS.items()]
    return (Chapter("Log in", tuple(_log_ins(chapters, named))), *chapters)


def _requests(names: tuple[str, ...], named: dict[str, tuple[Operation, Example]]) -> Iterator[Request]:
    for name in names:
        if name == RUN_DUE_WORK:
            headers = {"Content-Type": "application/json"}
            yield Request(name, f"{TEST_MODE}{name}", "POST", "/_test/clock/advance", headers, 200, body={})
        else:
            yield request_of(name, *named[name])


def _log_ins(chapters: list[Chapter], named: dict[str, tuple[Operation, Example]]) -> Iterator[Request]:
    """Yield a log-in for each user of the examples, which only services in test mode have."""
    users = {named[each.name][1].user: None for chapter in chapters for each in chapter.requests if each.name in named}
    for user in users:
        headers = {"Content-Type": "application/json"}
        title = f"{TEST_MODE}log in user {user}"
        yield Request(token_of(user), title, "POST", "/_test/sessions", headers, 201, body={"user": user})
