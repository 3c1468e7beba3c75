"""The caller: the person or application that sends a request, in one role at one organisation.

The edge creates it from a verified token and the request's headers. Rules use it to decide which records are visible.
Source: rules chapters 1.2, 1.3 and 2.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.identifiers import OdsCode, UserId


class BusinessFunction(StrEnum):
    """A role of the e-Referral Service."""

    REFERRING_CLINICIAN = "REFERRING_CLINICIAN"
    REFERRING_CLINICIAN_ADMIN = "REFERRING_CLINICIAN_ADMIN"
    REFERRING_ADMIN = "REFERRING_ADMIN"
    COMMISSIONER = "COMMISSIONER"
    SERVICE_PROVIDER_CLINICIAN = "SERVICE_PROVIDER_CLINICIAN"
    SERVICE_PROVIDER_CLINICIAN_ADMIN = "SERVICE_PROVIDER_CLINICIAN_ADMIN"
    SERVICE_PROVIDER_ADMIN = "SERVICE_PROVIDER_ADMIN"
    INFORMATION_ANALYST = "INFORMATION_ANALYST"
    BOOKING_MANAGER = "BOOKING_MANAGER"
    ADDITIONAL_REQUIREMENTS_MANAGER = "ADDITIONAL_REQUIREMENTS_MANAGER"
    SERVICE_DEFINER = "SERVICE_DEFINER"
    BMS_HCP_PROXY = "BMS_HCP_PROXY"
    BMS_ADMIN = "BMS_ADMIN"
    ERS_ADMIN = "ERS_ADMIN"
    REFERRER_RIGHTS_MANAGER = "REFERRER_RIGHTS_MANAGER"
    PROVIDER_AUTHORISED_APPLICATION = "PROVIDER_AUTHORISED_APPLICATION"
    REFERRER_AUTHORISED_APPLICATION = "REFERRER_AUTHORISED_APPLICATION"
    AUTHORISED_APPLICATION = "AUTHORISED_APPLICATION"


RC = BusinessFunction.REFERRING_CLINICIAN
RCA = BusinessFunction.REFERRING_CLINICIAN_ADMIN
RA = BusinessFunction.REFERRING_ADMIN
SPC = BusinessFunction.SERVICE_PROVIDER_CLINICIAN
SPCA = BusinessFunction.SERVICE_PROVIDER_CLINICIAN_ADMIN
SPA = BusinessFunction.SERVICE_PROVIDER_ADMIN

REFERRERS = frozenset({RC, RCA})
"""Referring clinicians and the administrators who work for one."""
PROVIDER_CLINICIANS = frozenset({SPC, SPCA})
"""Provider clinicians and the administrators who act on behalf of one."""
CLINICIANS = REFERRERS | PROVIDER_CLINICIANS
"""Clinicians of both sides, with their administrators."""
APPLICATION_FUNCTIONS = frozenset(
    {
        BusinessFunction.PROVIDER_AUTHORISED_APPLICATION,
        BusinessFunction.REFERRER_AUTHORISED_APPLICATION,
        BusinessFunction.AUTHORISED_APPLICATION,
    }
)
"""Functions that an application has by registration and that a person can never use."""
REFERRING_SIDE = frozenset({RC, RCA, RA, BusinessFunction.REFERRER_AUTHORISED_APPLICATION})
"""Functions that have a relationship to a request if their organisation made it."""
PROVIDER_SIDE = frozenset({SPC, SPCA, SPA})
"""Functions that have a relationship to a request if they share a workgroup with the service that holds it."""

REFERRING_STAFF = frozenset({RC, RCA, RA})
"""People of the referring side."""
STAFF = REFERRING_STAFF | PROVIDER_SIDE
"""People of both sides who work with referrals."""


class Party(StrEnum):
    """A party to a referral: referrer, provider, the PAS that holds its booking, or an administrator of the service."""

    REFERRER = "referrer"
    PROVIDER = "provider"
    PAS = "PAS"
    ADMINISTRATOR = "administrator"


class Principal(msgspec.Struct, frozen=True):
    """One caller in one role.

    `user` is the person who acts, or an application's pseudo user in application-restricted mode. `on_behalf_of` is the
    clinician whose rights apply instead. `workgroups` are those of the effective user, each written `ODS/name`.
    """

    user: UserId
    organisation: OdsCode
    function: BusinessFunction
    application: str
    session: str
    asid: str = ""
    on_behalf_of: UserId | None = None
    workgroups: frozenset[str] = frozenset()

    @property
    def effective_user(self) -> UserId:
        """The person whose rights apply."""
        return self.on_behalf_of or self.user

    @property
    def is_application(self) -> bool:
        """Whether an application acts without a person."""
        return self.function in APPLICATION_FUNCTIONS

    @property
    def party(self) -> Party:
        """The caller's side of a referral."""
        return Party.REFERRER if self.function in REFERRING_SIDE else Party.PROVIDER

    def may_see(self, owner: OdsCode, workgroup: str | None) -> bool:
        """Return whether the caller has a legitimate relationship to a record (rules 1.3, LR).

        `owner` is the organisation that made the request, `workgroup` that of the service which holds it, if any. The
        same rule for lists is in SQL (`openers.store.records.relationship`); a property test checks that the two agree.
        """
        if self.function in REFERRING_SIDE:
            return owner == self.organisation
        if workgroup is None:
            return False
        if self.function is BusinessFunction.PROVIDER_AUTHORISED_APPLICATION:
            return workgroup.startswith(f"{self.organisation}/")
        return self.function in PROVIDER_SIDE and workgroup in self.workgroups
