"""Questions of developers, with search, and each on its own page."""

from __future__ import annotations

from starlette.responses import Response

from openers_portal.rules.questions import Question, find, questions
from openers_portal.visitor import NotHere, Visitor


async def search(me: Visitor) -> Response:
    """Show the questions that contain all words of the query; all without one."""
    text = me.asked("q")[:200]
    found = find(text) if text else questions()
    groups: dict[str, list[Question]] = {}
    for each in found:
        groups.setdefault(each.group, []).append(each)
    return me.show("faq.html", {"q": text, "groups": groups, "count": len(found)})


async def question(me: Visitor) -> Response:
    """Show one question. Raises NotHere."""
    found = next((each for each in questions() if str(each.number) == me.part("number")), None)
    if found is None:
        raise NotHere
    return me.show("question.html", {"question": found})
