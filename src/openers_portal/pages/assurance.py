"""The assessment of a product in an environment: states, evidence, missing evidence, and statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from openers_assurance import DISCLAIMER, Row, State, requirements
from openers_assurance.report import counts
from openers_portal.access import Act
from openers_portal.assessments import BEGINNING
from openers_portal.environment import EnvironmentDown, EnvironmentRefuses
from openers_portal.pages.assuring.hazards import entries_of
from openers_portal.pages.partners import partner_of
from openers_portal.pages.products import product_of
from openers_portal.rules.milestones import Event, Happening
from openers_portal.store.partners import StoredProduct
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form

LONGEST: Final = 2000
"""Characters of a statement."""
APPLIES: Final = "yes"
REMOVES: Final = "remove"
CHOICES: Final = {
    APPLIES: "It applies, and the text shows how it is met",
    "no": "It does not apply, and the text says why",
    REMOVES: "Nothing: remove the statement that is there",
}
"""What a person can state about a requirement."""
DONE: Final = frozenset({State.MET, State.NOT_APPLICABLE})


class Found(NamedTuple):
    """An assessment: its environment, rows, number of exchanges, problem if there is one, and place in the log."""

    environment: str
    rows: Sequence[Row]
    exchanges: int
    problem: str
    cursor: str = ""


async def assurance(me: Visitor) -> Response:
    """Show the assessment, and store a statement that is sent."""
    product, partner, form = await product_of(me), await partner_of(me), await me.form()
    place = f"/partners/{partner.id}/products/{product.id}/assurance"
    if me.is_sent and (said := await _state(me, form, product.id)):
        return me.go(f"{place}?environment={form.text('environment')}", said)
    found = await assess(me, product, form.text("environment") if me.is_sent else me.asked("environment"))
    data: dict[str, Any] = {
        "disclaimer": DISCLAIMER,
        "partner": partner,
        "product": product,
        "environment": found.environment,
        "environments": sorted(me.house.environments),
        "exchanges": found.exchanges,
        "problem": found.problem,
        "counts": counts(found.rows) if found.rows else {},
        "requirements": found.rows,
        "hazards": [each.as_data() for each in await entries_of(me, product.id)],
        "statements": await me.store.statements.of(product.id),
        "may_change": me.covers(Act.CHANGE_PRODUCT, partner.id),
        "calls": _calls_at(me, found.environment),
        "choices": CHOICES,
        "longest": LONGEST,
    }
    return me.show("assurance.html", data, form=form)


async def _state(me: Visitor, form: Form, product: str) -> str:
    """Store or remove the statement of a form, and return a message about it; none if the form has errors."""
    requirement, choice = form.text("requirement"), form.text("applies")
    known = requirements().get(requirement)
    if known is None or not known.kind.needs_person:
        form.reject("requirement", "Choose a requirement that a person completes; calls show the others")
    if choice not in CHOICES:
        form.reject("applies", "Choose what you state")
    text = "" if choice == REMOVES else form.required("text", "Write the statement, or the reason", LONGEST)
    if form.errors:
        return ""
    if choice == REMOVES:
        await me.store.statements.remove(product, requirement)
        return f"The statement on {requirement} is removed."
    await me.store.statements.put(product, requirement, text, me.name, applies=choice == APPLIES)
    return f"The statement on {requirement} is stored."


async def begin(me: Visitor) -> Response:
    """Begin a new assessment of the product in an environment: calls of the past no longer count."""
    product, partner, form = await product_of(me), await partner_of(me), await me.form()
    found = await assess(me, product, form.text("environment"))
    place = f"/partners/{partner.id}/products/{product.id}/assurance?environment={found.environment}"
    if found.problem:
        return me.go(place, f"No new assessment has begun. {found.problem}.", problem=True)
    await me.store.partners.begin_assessment(product.id, found.environment, found.cursor, me.name)
    return me.go(place, f"A new assessment has begun in {found.environment}. Earlier calls no longer count.")


async def assess(me: Visitor, product: StoredProduct, asked: str) -> Found:
    """Return the assessment of the product in the environment that is asked for, or in its first one."""
    owned = [each for each in await me.store.endpoints.of_product(me.part("partner"), product.id) if each.is_registered]
    environment = asked or next((each.environment for each in owned), next(iter(_names(me)), ""))
    if environment not in me.house.environments:
        raise NotHere
    mine = [each for each in owned if each.environment == environment]
    if not mine:
        return Found(environment, (), 0, f"The product has no registered endpoint in {environment}")
    callers = frozenset(name for each in mine for name in (each.asid, each.client_id))
    since = await me.store.partners.beginning_of_assessment(product.id, environment)
    try:
        assessment, cursor, is_whole = await me.house.assessments.of(environment, callers, since or BEGINNING)
    except (EnvironmentDown, EnvironmentRefuses) as error:
        return Found(environment, (), 0, str(error))
    stated = await me.store.statements.of(product.id)
    rows = assessment.rows({id: each.applies for id, each in stated.items()})
    if is_whole and assessment.count and all(row.state in DONE for row in rows if not row.own):
        await _note_compliance(me, product, environment, assessment.count)
    problem = "" if is_whole else "The log is long, and is still being read: load this page again"
    return Found(environment, rows, assessment.count, problem, cursor)


async def _note_compliance(me: Visitor, product: StoredProduct, environment: str, count: int) -> None:
    told = f"All requirements that apply were met in {environment}, by {count} calls and the statements of the partner"
    event = Event(kind=Happening.COMPLIANCE, at=me.house.clock(), by="computed from the assessment", evidence=told)
    await me.store.partners.happened(product.id, event, f"compliance {environment}")


def _names(me: Visitor) -> Sequence[str]:
    return list(me.house.environments)


def _calls_at(me: Visitor, environment: str) -> str:
    """Return the address below which the environment explains a recorded call; empty outside test mode."""
    settings = me.house.environments[environment].settings
    return f"{settings.base_url}/_test/explain/" if settings.test_mode else ""
