"""The home page of a role: each worklist with its number of rows, and where to begin."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.responses import Response

from openers_client import ErsError
from openers_quickconnect.desk import Desk
from openers_quickconnect.lists import ADVICE, ANSWERS, TO_ANSWER, Worklist, worklists_of
from openers_quickconnect.pages.answers import answers
from openers_quickconnect.words import REGISTERS

_UBRN: Final = re.compile(r"[0-9]{12}", re.ASCII)


async def home(desk: Desk) -> Response:
    """Show each worklist with its number of rows; a role that administers begins at its first register."""
    if desk.function in REGISTERS:
        return desk.go(desk.at(next(iter(REGISTERS[desk.function]))))
    lists = worklists_of(desk.function)
    counts = await asyncio.gather(*(_count(desk, each) for each in lists))
    tiles = [(each, desk.at("worklists", each.name), count) for each, count in zip(lists, counts, strict=True)]
    return desk.page("home.html", current=desk.at(), tiles=tiles)


async def find(desk: Desk) -> Response:
    """Open the request with a UBRN from the search box."""
    wanted = re.sub(r"[\s-]", "", desk.asked("q"))
    if not _UBRN.fullmatch(wanted):
        return desk.go(desk.at(), "A UBRN has twelve digits, for example 0000 0000 0001.", problem=True)
    found = await desk.overviews([wanted])
    if not found:
        return desk.go(desk.at(), "You have no request with this UBRN. Check the number.", problem=True)
    kind = "advice" if found[0].kind == ADVICE else "referrals"
    return desk.go(desk.at(kind, wanted))


async def _count(desk: Desk, wanted: Worklist) -> int | None:
    """Return the number of rows that wait for the caller's side; `None` if the list cannot be read now."""
    try:
        if wanted.name == ANSWERS:
            return len(await answers(desk))
        if wanted.name == ADVICE:
            rows = await desk.caller.advice_worklist(wanted.code)
            return sum(row.status == TO_ANSWER for row in rows)
        return len(await desk.caller.worklist(wanted.code))
    except ErsError:
        return None
