"""The hazard log to begin with: seventeen hazards as data, the questions about each, and the risk of an answer.

Each hazard is linked to a scenario, requirements, and tests of OpenERS. Source: rules part 2, chapter 5.7.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from openers_assurance.questions import Question

LIKELIHOODS: Final = ("Very low", "Low", "Medium", "High", "Very high")
SEVERITIES: Final = ("Minor", "Significant", "Considerable", "Major", "Catastrophic")
_MATRIX: Final = ((1, 1, 2, 2, 3), (1, 2, 2, 3, 4), (2, 2, 3, 3, 4), (2, 3, 3, 4, 5), (3, 4, 4, 5, 5))
"""The risk by likelihood, then by severity."""
CONTROLLED: Final = "Controlled"
STATUSES: Final = ("Open", CONTROLLED, "Does not apply")
QUESTIONS: Final = (
    Question("controls", "Controls that exist"),
    Question("likelihood", "Likelihood with them", choices=LIKELIHOODS, needed=True),
    Question("severity", "Severity with them", choices=SEVERITIES, needed=True),
    Question("mitigation", "Further controls", hint="By design, test, training, or a change of the way of working."),
    Question("residual_likelihood", "Likelihood with all controls", choices=LIKELIHOODS),
    Question("residual_severity", "Severity with all controls", choices=SEVERITIES),
    Question("owner", "Owner of the risk", is_short=True),
    Question("status", "Status", choices=STATUSES, needed=True),
    Question("notes", "Notes, or the reason why it does not apply"),
)
NEEDED_AT: Final[Mapping[str, tuple[str, ...]]] = {
    CONTROLLED: ("mitigation", "residual_likelihood", "residual_severity", "owner"),
    "Does not apply": ("notes",),
}
"""What a status needs besides."""


class Hazard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hazard: its effect on a patient, its cause, a scenario that provokes it, and where it is looked for."""

    id: str
    name: str
    effect: str
    cause: str
    scenario: str
    requirements: tuple[str, ...]
    tests: tuple[str, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    hazards: list[Hazard]


@cache
def hazards() -> Mapping[str, Hazard]:
    """Return all hazards by id, in order."""
    content = tomllib.loads(files("openers_assurance").joinpath("hazards.toml").read_text("utf-8"))
    return {each.id: each for each in msgspec.convert(content, _File).hazards}


def risk(likelihood: str, severity: str) -> int | None:
    """Return the risk from 1 (lowest) to 5 (highest), or none without an answer to both questions."""
    if likelihood not in LIKELIHOODS or severity not in SEVERITIES:
        return None
    return _MATRIX[LIKELIHOODS.index(likelihood)][SEVERITIES.index(severity)]


def risks(answers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return the risk before further controls, and with all of them."""
    before, after = (
        risk(answers.get(f"{part}likelihood", ""), answers.get(f"{part}severity", "")) for part in ("", "residual_")
    )
    return before, after
