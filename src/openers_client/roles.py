"""The role in which a user calls, as the headers of a call name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ACTS_FOR_ANOTHER: Final = "SERVICE_PROVIDER_CLINICIAN_ADMIN"
"""The only function whose holder names the clinician for whom they act."""


@dataclass(frozen=True)
class Role:
    """An organisation (ODS code), a business function there, and for some administrators the clinician's user id."""

    organisation: str
    business_function: str
    on_behalf_of: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the function may not act for another person."""
        if self.on_behalf_of is not None and self.business_function != ACTS_FOR_ANOTHER:
            raise ValueError(f"on_behalf_of is only for {ACTS_FOR_ANOTHER}, not for {self.business_function}")

    def headers(self, acts_for: bool) -> dict[str, str]:
        """Return the headers of a call; `acts_for` is off for operations that take no clinician.

        Raises ValueError if the role needs a clinician and has none.
        """
        named = {
            "NHSD-End-User-Organisation-ODS": self.organisation,
            "NHSD-eRS-Business-Function": self.business_function,
        }
        if not acts_for or self.business_function != ACTS_FOR_ANOTHER:
            return named
        if self.on_behalf_of is None:
            text = "give it as on_behalf_of; clinicians_to_act_for() (A040) lists them"
            raise ValueError(f"a {ACTS_FOR_ANOTHER} must name the clinician for whom they act: {text}")
        return {**named, "NHSD-eRS-On-Behalf-Of-User-ID": self.on_behalf_of}
