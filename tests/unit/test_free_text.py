"""Free text of every operation: control characters are refused with their place, other text is accepted."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Final, cast

import pytest

from openers.wire import stu3
from openers.wire.json import BadValue
from openers.wire.stu3.kinds import Kind, string

CONTROL: Final = (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF)


def texts() -> Iterator[tuple[str, Kind[Any]]]:
    """Yield every kind of free text that a wire module declares, by itself or in a parameter."""
    for found in pkgutil.walk_packages(stu3.__path__, f"{stu3.__name__}."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            kind: Any = getattr(value, "kind", value)
            if isinstance(kind, Kind) and "maxLength" in cast("Kind[Any]", kind).schema:
                yield f"{found.name.removeprefix(stu3.__name__)[1:]}.{name}", cast("Kind[Any]", kind)


@pytest.mark.parametrize("code", CONTROL, ids=hex)
def test_a_control_character_is_refused(code: int) -> None:
    with pytest.raises(BadValue) as refused:
        string(str, 100).read(f"one\ntwo{chr(code)}", "parameter[1]/valueString")
    assert refused.value.path == "parameter[1]/valueString"
    assert refused.value.value is None
    assert refused.value.hint == f"must have no control characters but tab, LF and CR (character 8 is U+{code:04X})"


def test_there_is_free_text() -> None:
    names = {name for name, _ in texts()}
    assert {"acts.requests.COMMENTS", "advice.requests.COMMENTS", "booking.appointment_request._COMMENT"} <= names
    assert len(names) >= 10


@pytest.mark.parametrize(("name", "kind"), [*texts()], ids=[name for name, _ in texts()])
def test_no_free_text_takes_control_characters(name: str, kind: Kind[Any]) -> None:
    with pytest.raises(BadValue, match="control characters"):
        kind.read("\x1b[2J", name)


@pytest.mark.parametrize(
    "text", ["a\tb\r\nc", "Zoë, 12 \u00bd mg \u2013 \u201cnow\u201d", "\U0001f469\u200d\u2695\ufe0f", "محمد", "\u00a0x"]
)
def test_what_people_write_is_taken(text: str) -> None:
    assert string(str, 100).read(text, "x") == text
