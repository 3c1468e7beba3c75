"""The hazard log of a product: the hazards to begin with, and what the partner answers about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from openers_assurance import DISCLAIMER, requirements
from openers_assurance.hazards import NEEDED_AT, QUESTIONS, Hazard, hazards, risks
from openers_portal.access import Act
from openers_portal.pages.assuring.answering import read_answers
from openers_portal.pages.partners import partner_of
from openers_portal.pages.products import product_of
from openers_portal.store.answers import Answers
from openers_portal.visitor import NotHere, Visitor

HEADINGS: Final = (
    *("Hazard", "Name", "Effect", "Cause", "Scenario", "Requirements", "Tests of OpenERS"),
    *("Risk", "Residual risk"),
    *(each.label for each in QUESTIONS),
    *("Answered by", "Answered on"),
)
"""The columns of the hazard log in a sheet."""


class Entry:
    """A hazard with the answers of the partner, if there are any."""

    def __init__(self, hazard: Hazard, answers: Answers | None) -> None:
        """Compute the risks."""
        self.hazard: Final = hazard
        self.answers: Final = answers
        self.values: Final[Mapping[str, str]] = {} if answers is None else answers.values
        self.risk, self.residual = risks(self.values)
        self.status: Final = self.values.get("status", "Not assessed")

    def as_data(self) -> dict[str, Any]:
        """Return the entry for programs and templates."""
        return {
            "hazard": self.hazard,
            "answers": self.answers,
            "risk": self.risk,
            "residual_risk": self.residual,
            "status": self.status,
        }

    def as_row(self) -> Sequence[str]:
        """Return the entry as texts below `HEADINGS`."""
        of, given = self.hazard, self.answers
        known = (of.id, of.name, of.effect, of.cause, of.scenario, ", ".join(of.requirements), ", ".join(of.tests))
        found = tuple("" if each is None else str(each) for each in (self.risk, self.residual))
        by = ("", "") if given is None else (given.by, given.at.isoformat(timespec="seconds"))
        return (*known, *found, *(self.values.get(each.id, "") for each in QUESTIONS), *by)


async def entries_of(me: Visitor, product: str) -> Sequence[Entry]:
    """Return the hazard log of a product."""
    given = await me.store.answers.of(product)
    return [Entry(each, given.get(each.id)) for each in hazards().values()]


async def log(me: Visitor) -> Response:
    """Show the hazard log."""
    product, partner = await product_of(me), await partner_of(me)
    entries = [each.as_data() for each in await entries_of(me, product.id)]
    data = {"disclaimer": DISCLAIMER, "partner": partner, "product": product, "entries": entries}
    return me.show("hazards.html", data)


async def hazard(me: Visitor) -> Response:
    """Show a hazard, and store the answers that are sent. Raises NotHere."""
    product, partner, form = await product_of(me), await partner_of(me), await me.form()
    found = hazards().get(me.part("hazard"))
    if found is None:
        raise NotHere
    base = f"/partners/{partner.id}/products/{product.id}/hazards"
    if me.is_sent:
        values = read_answers(form, QUESTIONS, NEEDED_AT.get(form.text("status"), ()))
        if not form.errors:
            await me.store.answers.put((product.id, "", found.id), values, me.name)
            return me.go(base, f"The answers about {found.id} are stored.")
    entry = Entry(found, (await me.store.answers.of(product.id)).get(found.id))
    data = {
        "disclaimer": DISCLAIMER,
        "partner": partner,
        "product": product,
        "entry": entry.as_data(),
        "requirements": [requirements()[each] for each in found.requirements],
        "questions": QUESTIONS,
        "may_change": me.covers(Act.CHANGE_PRODUCT, partner.id),
    }
    return me.show("hazard.html", data, form=form)
