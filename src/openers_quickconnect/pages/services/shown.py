"""What pages show of services: states, values in words, and a service as referrers see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from markupsafe import Markup

from openers_client.administration import Difference, Draft
from openers_client.administration import Service as Live
from openers_quickconnect.pages.services.sections import (
    APPOINTMENTS,
    BOOKABLE,
    FLOWS,
    REQUIREMENTS,
    SEXES,
    label_of,
)
from openers_quickconnect.words import PRIORITIES
from openers_web.parts.texts import Colour, Fact, tag

WORDS: Final = {**FLOWS, **BOOKABLE, **APPOINTMENTS, **SEXES, **PRIORITIES, **REQUIREMENTS}
HIDDEN_PLACES: Final = frozenset({"/base", "/id"})
STATES: Final[Mapping[str, tuple[str, Colour]]] = {
    "published": ("Published", "green"),
    "changed": ("Published, with changes", "orange"),
    "draft": ("Draft", "white"),
    "hidden": ("Hidden", "grey"),
}


class Shown(NamedTuple):
    """A difference as it is shown."""

    what: str
    before: str
    after: str


def state_of(live: Live | None, draft: Draft | None) -> str:
    """Return the state of a service from what is live and what its definer has saved."""
    if live is None:
        return "draft"
    if live.status != "PUBLISHED":
        return "hidden"
    return "changed" if draft is not None and _differ(live, draft) else "published"


def state_tag(state: str) -> Markup:
    """Return the tag of a state."""
    return tag(*STATES[state])


def in_words(value: Any) -> str:
    """Return a value of a draft for people."""
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(in_words(each) for each in cast("list[Any]", value))
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return "; ".join(f"{name.replace('_', ' ')}: {in_words(each)}" for name, each in pairs)
    return WORDS.get(str(value), str(value))


def differences(changes: Sequence[Difference]) -> list[Shown]:
    """Return differences as they are shown."""
    return [
        Shown(label_of(each.place), in_words(each.before), in_words(each.after))
        for each in changes
        if each.place not in HIDDEN_PLACES
    ]


def _in_years(draft: Draft) -> str:
    """Return the ages of the patients in words."""
    low, high = (None, None) if draft.ages is None else (draft.ages.lowest, draft.ages.highest)
    if high is None:
        return f"{low} years and over" if low else "All ages"
    return f"{low or 0} to {high} years"


def as_referrers_see(draft: Draft, site_name: str) -> list[Fact]:
    """Return what a referrer reads of a service."""
    kinds = [FLOWS[each] for each in draft.flows if each in FLOWS]
    age = _in_years(draft)
    wait = draft.appointment_wait_days
    shown = [
        ("Place", draft.location_name or site_name),
        ("Accepts", ", ".join(kinds)),
        ("Priorities", ", ".join(text for code, text in PRIORITIES.items() if code in draft.priorities)),
        ("Clinic types", ", ".join(sorted({each[1].replace("_", " ").capitalize() for each in draft.clinic_types}))),
        ("Patients", "" if draft.gender is None else f"{SEXES.get(draft.gender, '')}. {age}"),
        ("Wait for an appointment", f"{wait} days" if isinstance(wait, int) else ""),
        ("Letter", "" if draft.letter_required is None else "Needed" if draft.letter_required else "Not needed"),
        ("Treats", draft.conditions_treated or ""),
        ("Does not treat", draft.exclusions or ""),
        ("Investigations first", draft.suggested_investigations or ""),
        ("Can arrange", ", ".join(REQUIREMENTS[each] for each in draft.additional_requirements)),
        ("Hours", draft.hours_of_operation or ""),
        ("Contact", ", ".join(each.value for each in draft.contacts)),
    ]
    return [Fact(name, value) for name, value in shown if value]


def _differ(live: Live, draft: Draft) -> bool:
    """Return whether publishing the draft would change the live service."""
    for name in Draft.__dataclass_fields__:
        wanted, present = getattr(draft, name), getattr(live, name, None)
        if name in ("id", "base", "allocated_clinicians", "restriction") or not hasattr(live, name):
            continue
        if wanted is not None and wanted != present:
            return True
    return False
