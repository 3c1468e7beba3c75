"""JSON as the pages show it."""

from __future__ import annotations

import json
from typing import Any, Final, cast

WIDTH: Final = 110
"""Objects and lists that fit into a line of this length are not broken."""


def laid_out(value: Any, indent: str = "") -> str:
    """Return JSON text with what is short in one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + len(indent) <= WIDTH:
        return line
    inner = indent + "  "
    match value:
        case list():
            ends, items = "[]", [laid_out(each, inner) for each in cast("list[Any]", value)]
        case dict():
            fields = cast("dict[str, Any]", value).items()
            ends, items = "{}", [f"{json.dumps(name)}: {laid_out(each, inner)}" for name, each in fields]
        case _:
            return line
    return f"{ends[0]}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{ends[1]}"
