"""Answers to questions for advice that wait for their referrer: advice, or a wish for further information."""

from __future__ import annotations

from openers_client.records.worklists import WorklistRow
from openers_quickconnect.desk import MOST_NAMES, Desk
from openers_quickconnect.records import Overview


async def answers(desk: Desk) -> tuple[WorklistRow, ...]:
    """Return the remembered questions whose referrer has to act: one call (X006) for each hundred questions.

    Questions that have ended, or that the service does not know any more, are forgotten.
    """
    asked = await desk.questions.of(desk.role.organisation)
    found = list[Overview]()
    for start in range(0, len(asked), MOST_NAMES):
        found += await desk.overviews(asked[start : start + MOST_NAMES])
    under_way = [each for each in found if each.kind == "advice" and each.next_step is not None]
    kept = {each.ubrn for each in under_way}
    await desk.questions.forget(desk.role.organisation, [each for each in asked if each not in kept])
    return tuple(_row(each) for each in under_way if each.next_side == "REFERRER")


def _row(each: Overview) -> WorklistRow:
    return WorklistRow(each.ubrn, each.version, each.patient, each.priority, each.state, None, {}, {})
