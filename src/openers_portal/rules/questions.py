"""The questions of developers with their answers, from `content/faq.md`, which the documentation shows too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

TEXT: Final = files("openers_portal").joinpath("content/faq.md")


class Place(msgspec.Struct, frozen=True):
    """A page of the portal where the reader does what the answer says."""

    path: str
    text: str


class Question(msgspec.Struct, frozen=True):
    """A question: its number in the order of the file, its group, and its answer."""

    number: int
    group: str
    question: str
    answer: str
    place: Place


_CATALOGUE, _CONNECT = Place("/catalogue", "See the catalogue"), Place("/get-connected", "Get connected")
_ASK = Place("/ask", "Ask the desk a question")
_DESK = Place("/partners", "Open your partner and ask the desk")
_CARDS = Place("/partners", "Open your partner and ask for smartcards")
_REGISTER = Place("/partners", "Register a partner or open yours")
PLACES: Final = (
    Place("/roadmap", "See the roadmap"),
    _CATALOGUE,
    Place("/interest", "Get news by e-mail"),
    _ASK,
    _ASK,
    Place("/", "Take the tour"),
    _ASK,
    Place("/documents", "Read the documents"),
    _REGISTER,
    _CONNECT,
    _CONNECT,
    _CARDS,
    _REGISTER,
    _CONNECT,
    _CARDS,
    Place("/environments", "See the environments"),
    _CONNECT,
    _CONNECT,
    _DESK,
    Place("/costs", "See the costs"),
    _CONNECT,
    Place("/partners", "Open your partner and link the service"),
    _REGISTER,
    Place("/glossary", "Open the glossary"),
    Place("/glossary", "Open the glossary"),
)
"""The place of each question, in the order of the file."""


@cache
def questions() -> Sequence[Question]:
    """Return all questions."""
    return tuple(_read(TEXT.read_text("utf-8")))


def find(text: str) -> Sequence[Question]:
    """Return the questions that contain each word of the text, in the question or in the answer."""
    words = text.casefold().split()[:20]
    return [
        each
        for each in questions()
        if all(word in f"{each.group} {each.question} {each.answer}".casefold() for word in words)
    ]


def _read(text: str) -> Iterator[Question]:
    number, group = 0, ""
    for part in text.split("\n## ")[1:]:
        group, *each = part.split("\n### ")
        for one in each:
            question, _, answer = one.partition("\n")
            yield Question(number + 1, group.strip(), question.strip(), answer.strip(), PLACES[number])
            number += 1
