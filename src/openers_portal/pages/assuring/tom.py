"""The forms of the Target Operating Model for a product in an environment, and the outcome of the approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from openers_assurance import DISCLAIMER
from openers_assurance.tom import OUTCOME, OUTCOME_QUESTIONS, Tab, safety_level, tabs
from openers_portal.access import Act
from openers_portal.pages.assuring.answering import read_answers
from openers_portal.pages.partners import partner_of
from openers_portal.pages.products import product_of
from openers_portal.store.answers import Answers
from openers_portal.visitor import NotHere, Visitor


async def overview(me: Visitor) -> Response:
    """Show the tabs in the first environment, or in the one that is asked for. Raises NotHere."""
    return await _overview(me, me.asked("environment") or next(iter(me.house.environments), ""))


async def decide(me: Visitor) -> Response:
    """Store the outcome of the approval. Raises NotHere."""
    return await _overview(me, me.part("environment"))


async def _overview(me: Visitor, environment: str) -> Response:
    product, partner, form = await product_of(me), await partner_of(me), await me.form()
    _check(me, environment)
    base = f"/partners/{partner.id}/products/{product.id}/tom"
    if me.is_sent:
        values = read_answers(form, OUTCOME_QUESTIONS)
        if not form.errors:
            await me.store.answers.put((product.id, environment, OUTCOME), values, me.name)
            return me.go(f"{base}?environment={environment}", "The outcome is stored.")
    given = await me.store.answers.of(product.id, environment)
    data: dict[str, Any] = {
        "disclaimer": DISCLAIMER,
        "partner": partner,
        "product": product,
        "environment": environment,
        "environments": sorted(me.house.environments),
        "tabs": [{"tab": each, "answers": given.get(each.id)} for each in tabs().values()],
        "outcome": given.get(OUTCOME),
        "questions": OUTCOME_QUESTIONS,
        "may_decide": me.covers(Act.APPROVE, partner.id),
    }
    return me.show("tom.html", data, form=form)


async def tab(me: Visitor) -> Response:
    """Show a tab, and store the answers that are sent. Raises NotHere."""
    product, partner, form = await product_of(me), await partner_of(me), await me.form()
    environment, found = me.part("environment"), tabs().get(me.part("tab"))
    _check(me, environment)
    if found is None:
        raise NotHere
    base = f"/partners/{partner.id}/products/{product.id}/tom"
    if me.is_sent:
        values = read_answers(form, found.questions)
        if not form.errors:
            await me.store.answers.put((product.id, environment, found.id), values, me.name)
            return me.go(f"{base}?environment={environment}", f"{found.title}: the answers are stored.")
    given = (await me.store.answers.of(product.id, environment)).get(found.id)
    data = {
        "disclaimer": DISCLAIMER,
        "partner": partner,
        "product": product,
        "environment": environment,
        "tab": found,
        "answers": given,
        "level": _level(found, given),
        "questions": found.questions,
        "may_change": me.covers(Act.CHANGE_PRODUCT, partner.id),
    }
    return me.show("tom_tab.html", data, form=form)


def _check(me: Visitor, environment: str) -> None:
    if environment not in me.house.environments:
        raise NotHere


def _level(of: Tab, given: Answers | None) -> int | None:
    """Return the level of clinical safety, for the tab that has it once it is answered."""
    values: Mapping[str, str] = {} if given is None else given.values
    return safety_level(values) if of.id == "safety" and values else None
