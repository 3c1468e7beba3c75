"""Names used in STU3 resources: profiles, extensions, identifier systems and code systems.

The service publishes some code systems itself. Their URL starts with the service's own address, which is only known
when a reply is written; requests may use any start. Source: rules chapters 1.1, 5 and 12.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.wire.json import Json

_DEFINITIONS: Final = "https://fhir.nhs.uk/STU3/StructureDefinition/"
_OWN: Final = "urn:openers:"
_CODES: Final = "https://fhir.nhs.uk/STU3/CodeSystem/"
V1: Final = "/v1"
"""End of the base of STU3 v1, and the step after /STU3 in its addresses."""


def profile(name: str) -> str:
    """Return the URL of an e-Referral Service profile; `name` has no prefix and no version."""
    return f"{_DEFINITIONS}eRS-{name}-1"


def extension(name: str) -> str:
    """Return the URL of an e-Referral Service extension; `name` has no prefix and no version."""
    return f"{_DEFINITIONS}Extension-eRS-{name}-1"


def own_profile(name: str) -> str:
    """Return the URL of a profile that this project adds; `name` has no prefix and no version."""
    return f"{_OWN}profile:{name}-1"


def own_extension(name: str) -> str:
    """Return the URL of an extension that this project adds; `name` has no prefix and no version."""
    return f"{_OWN}extension:{name}-1"


def below(base: str, path: str) -> str:
    """Return the address of a resource: `path` begins with /STU3, to which STU3 v1 adds its version.

    The base of STU3 v1 says so at its end, since today's API and STU3 v1 share all writers.
    """
    is_v1 = base.endswith(V1)
    return f"{base.removesuffix(V1)}{_in_v1(path)}" if is_v1 else f"{base}{path}"


def _in_v1(path: str) -> str:
    return path.replace("/STU3/", f"/STU3{V1}/", 1)


class System(msgspec.Struct, frozen=True):
    """A code or identifier system. The service itself publishes a `dynamic` one under its own address."""

    name: str
    dynamic: bool = False

    def matches(self, sent: str) -> bool:
        """Return whether `sent` in a request names this system."""
        return sent.endswith((self.name, _in_v1(self.name))) if self.dynamic else sent == self.name

    def url(self, base: str) -> str:
        """Return the system's URL in a reply of the service at `base`."""
        return below(base, self.name) if self.dynamic else self.name

    def __str__(self) -> str:
        """Return the name of the system for refusals."""
        return f"_baseUrl_{self.name}" if self.dynamic else self.name


def code_system(name: str) -> System:
    """Return a static code system of the service; `name` has no prefix and no version."""
    return System(f"{_CODES}eRS-{name}-1")


def published(name: str) -> System:
    """Return a code system that the service publishes itself (A004)."""
    return System(f"/STU3/CodeSystem/{name}", dynamic=True)


NHS_NUMBER: Final = System("http://fhir.nhs.net/Id/nhs-number")
SDS_USER: Final = System("http://fhir.nhs.net/Id/sds-user-id")
ERS_SERVICE: Final = System("http://fhir.nhs.net/Id/ers-service")
ODS_CODE: Final = System("https://fhir.nhs.uk/Id/ods-organization-code")
REQUEST_ID: Final = System("https://fhir.nhs.uk/Id/ers-request-id")
DIRECTORY: Final = System("https://directory.spineservices.nhs.uk/STU3/Organization")
SNOMED: Final = System("http://snomed.info/sct")
SLOT_REFERENCE: Final = System("https://fhir.nhs.uk/Id/alternative-slot")
SCHEDULE: Final = System("https://fhir.nhs.uk/Id/ers-schedule")
PARTICIPANT_TYPE: Final = System("http://hl7.org/fhir/ValueSet/encounter-participant-type")
SPECIALTY: Final = published("SPECIALTY")
APPOINTMENT_CANCELLATION: Final = published("APPOINTMENT-CANCELLATION-REASON")
REFERRAL_CANCELLATION: Final = published("REFERRAL-CANCELLATION-REASON")
PRIORITY: Final = code_system("Priority")
PRACTITIONER_ROLE: Final = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-PractitionerRole-1"
"""The profile of a clinician in a role."""
ADVICE_STATUS: Final = code_system("AdviceAndGuidanceStatus")
BUSINESS_FUNCTION: Final = code_system("BusinessFunction")
CONVERSION_AUTHORISATION: Final = code_system("ProviderConversionAuthorisation")
CLINIC_TYPE: Final = published("CLINIC-TYPE")
REVIEW_REASON: Final = code_system("ReviewReason")
REVIEW_OUTCOME: Final = code_system("ReviewOutcome")


def shared_extension(name: str) -> str:
    """Return the URL of an extension that other services use too."""
    return f"{_DEFINITIONS}Extension-{name}-1"


def identified(system: System, value: str) -> Json:
    """Return an identifier of `system`."""
    return {"system": system.name, "value": value}


def coded(system: System, code: str, display: str | None = None) -> Json:
    """Return a coding of a static system."""
    coding: Json = {"system": system.name, "code": code}
    if display is not None:
        coding["display"] = display
    return coding
