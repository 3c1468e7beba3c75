"""Who may refer to a service: everybody, listed organisations, those of a commissioner with a rule; and restriction.

Source: rules part 3, chapter A.7.
"""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.identifiers import OdsCode, ServiceId, UserId


class Referrer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever looks for a service: the organisation whose commissioning rules apply, its commissioner, and the person.

    `organisation` is where the person works; `workgroups` are those of the person there.
    """

    rules_of: OdsCode
    commissioner: OdsCode | None = None
    organisation: OdsCode | None = None
    user: UserId | None = None
    workgroups: frozenset[str] = frozenset()


class Restriction(msgspec.Struct, frozen=True, kw_only=True):
    """Why a service is restricted, and the pathways into it: people, organisations, and the staff of services.

    `workgroups` are those of `services`; they are filled in when the service is published.
    """

    reason: str = ""
    referrers: frozenset[UserId] = frozenset()
    organisations: frozenset[OdsCode] = frozenset()
    services: frozenset[ServiceId] = frozenset()
    workgroups: frozenset[str] = frozenset()

    @property
    def has_pathway(self) -> bool:
        """Whether anybody may refer at all."""
        return bool(self.referrers or self.organisations or self.services)

    def admits(self, referrer: Referrer) -> bool:
        """Return whether a pathway leads from this referrer into the service."""
        return (
            referrer.user in self.referrers
            or referrer.organisation in self.organisations
            or not self.workgroups.isdisjoint(referrer.workgroups)
        )


class CommissioningRule(msgspec.Struct, frozen=True, kw_only=True):
    """A commissioner lets the organisations that it pays for refer to a service, from a day on.

    `id` is the number of the service, a hyphen and the code of the commissioner. `active` is false if the commissioner
    has withdrawn the rule.
    """

    id: str
    service: ServiceId
    commissioner: OdsCode
    starts: date
    active: bool = True


Rules = tuple[tuple[OdsCode, date], ...]
"""The rules of one service: each commissioner with the day on which its rule starts."""


def rule_admits(rules: Rules, commissioner: OdsCode | None, day: date) -> bool:
    """Return whether the commissioner has a rule that is in force on `day`."""
    return any(each == commissioner and starts <= day for each, starts in rules)
