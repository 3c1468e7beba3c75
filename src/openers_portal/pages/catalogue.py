"""The catalogue of operations on any day, and one operation with its history."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from openers_portal.rules import catalogue as rules
from openers_portal.visitor import NotHere, Visitor


async def catalogue(me: Visitor) -> Response:
    """Show the operations on the day of the query, otherwise today."""
    day, problem = me.today, ""
    if wanted := me.asked("on"):
        try:
            day = date.fromisoformat(wanted[:40])
        except ValueError:
            problem = "Enter a day, such as 1 June 2018"
    shown = rules.on(day)
    return me.show("catalogue.html", {"on": day, "operations": shown, "problem": problem})


async def operation(me: Visitor) -> Response:
    """Show one operation with its history. Raises NotHere."""
    found = rules.operation(me.part("operation"))
    if found is None:
        raise NotHere
    docs = me.documentation(f"operations/{found.id.lower()}.html") if found.ours else ""
    return me.show("operation.html", {"operation": found, "documentation": docs})
