"""The records of the administration. Names, formats and defaults are those of the API; codes are plain texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """An organisation: its `kind` is GP_PRACTICE, PROVIDER or COMMISSIONER. It is open until `closed_on`.

    `commissioner` is the one that pays for its referrals.
    """

    ods: str
    name: str
    kind: str
    postcode: str
    address: str = ""
    telephone: str = ""
    closed_on: date | None = None
    commissioner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place where an organisation provides its services. It is open until `closed_on`."""

    ods: str
    organisation: str
    name: str
    postcode: str
    closed_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class PersonRole:
    """The business functions of a person at one organisation. The service sets `from_claims`."""

    organisation: str
    functions: tuple[str, ...]
    from_claims: bool = False


@dataclass(frozen=True, kw_only=True)
class PersonAssurance:
    """How a person logs in where no OpenID provider says it: identity level, authenticator level and method."""

    identity_level: int = 3
    authenticator_level: int = 3
    method: str = "N3_SMARTCARD"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person with role profiles. Workgroups are written as ODS code, slash and name."""

    id: str
    name: str
    roles: tuple[PersonRole, ...]
    workgroups: frozenset[str] = frozenset()
    assurance: PersonAssurance = field(default_factory=PersonAssurance)
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """The public keys of an application as JSON Web Keys, each with its `kid`."""

    keys: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RegisteredApplication:
    """An application as the service knows it: `mode` is user-restricted or application-restricted.

    One for people has redirect addresses; one that acts for itself has keys, and may have a role.
    """

    client_id: str
    name: str
    mode: str
    asid: str | None = None
    keys: KeySet = field(default_factory=KeySet)
    jwks_uri: str | None = None
    secret_sha256: str | None = None
    redirect_uris: tuple[str, ...] = ()
    organisation: str | None = None
    function: str | None = None
    user: str | None = None
    test_only: bool = False
    administers: bool = False
    active: bool = True
    single_sign_on: bool = False
    log_out_uri: str | None = None
    log_out_redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ages:
    """The ages that a service treats, both ends included; `None` means no limit."""

    lowest: int | None = None
    highest: int | None = None


@dataclass(frozen=True, kw_only=True)
class ContactDetail:
    """Contact details of a service, for patients or for healthcare professionals."""

    for_patients: bool
    system: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Whose patients a service accepts: all, or only those of the listed organisations."""

    nationally_available: bool = True
    organisations: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class SlotWindow:
    """From when until when, counted from now, slots are offered for one priority."""

    starts_after_hours: int = 1
    ends_after_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class SlotSettings:
    """How far ahead the PAS is polled, the window of each priority, and for how many days new slots are reserved."""

    polling_range_days: int | None = None
    windows: Mapping[str, SlotWindow] = field(default_factory=dict[str, SlotWindow])
    reservation_days: int = 0


@dataclass(frozen=True, kw_only=True)
class Pathways:
    """Why a service is restricted, and who may refer all the same. The service fills in `workgroups`."""

    reason: str = ""
    referrers: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    workgroups: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service. `clinic_types` are pairs of a specialty and a clinic type.

    `appointment_wait_days` is a number of days, or a code if there is none.
    """

    id: str
    name: str
    organisation: str
    site: str
    location_name: str
    postcode: str
    workgroup: str
    clinic_types: tuple[tuple[str, str], ...]
    flows: tuple[str, ...]
    bookable: str
    appointment_type: str | None = None
    priorities: frozenset[str] = frozenset({"ROUTINE", "URGENT", "TWO_WEEK_WAIT"})
    letter_required: bool = True
    letter_freeze_days: int = 0
    gender: str = "MALE_AND_FEMALE"
    ages: Ages = field(default_factory=Ages)
    clinicians: frozenset[str] = frozenset()
    commissioning: Rules = field(default_factory=Rules)
    appointment_wait_days: int | str = "LIMITED_AVAILABILITY"
    treatment_wait_days: int | None = None
    low_capacity: bool = False
    displayed_prominently: bool = False
    referrer_alert: str | None = None
    exclusions: str | None = None
    suggested_investigations: str | None = None
    conditions_treated: str | None = None
    additional_requirements: tuple[str, ...] = ()
    hours_of_operation: str | None = None
    instructions: str | None = None
    contacts: tuple[ContactDetail, ...] = ()
    status: str = "PUBLISHED"
    advice_response_hours: int | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    slot_rules: SlotSettings = field(default_factory=SlotSettings)
    restriction: Pathways | None = None
    allocated_clinicians: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CommissioningRule:
    """A rule by which the organisations of a commissioner may refer to a service from a day on.

    `id` is the number of the service, a hyphen, and the code of the commissioner.
    """

    id: str
    service: str
    commissioner: str
    starts: date
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class SpecialtyRow:
    """A specialty that a code set adds or renames."""

    code: str
    display: str


@dataclass(frozen=True, kw_only=True)
class ClinicTypeRow:
    """A clinic type that a code set adds or changes, with the specialties to which it belongs."""

    code: str
    display: str
    specialties: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MappedPair:
    """A pair of specialty and clinic type that is not used any more, and the pairs that take its place."""

    old: tuple[str, str]
    new: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class CodeSet:
    """What changes in the specialties and clinic types on the day `starts`, by which the set is known.

    Codes are added, renamed and ended, never removed. `mapping` says which pairs take the place of old ones.
    """

    starts: date
    specialties: tuple[SpecialtyRow, ...] = ()
    clinic_types: tuple[ClinicTypeRow, ...] = ()
    ended_specialties: frozenset[str] = frozenset()
    ended_clinic_types: frozenset[str] = frozenset()
    mapping: tuple[MappedPair, ...] = ()
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class PasLink:
    """The link of a directly bookable service to its Patient Administration System (PAS).

    `url` is the FHIR base URL of the PAS; `client_id` is the application with which it sends notifications.
    """

    service: str
    url: str
    client_id: str
    active: bool = True


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A patient of the built-in source. Nothing is told about a `sensitive` one."""

    nhs_number: str
    family_name: str
    given_name: str
    born: date
    sex: str
    postcode: str | None = None
    address: tuple[str, ...] = ()
    practice: str | None = None
    sensitive: bool = False
    died: date | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointCertificate:
    """A client certificate: its SHA-256, and the name of its issuer as RFC 4514 writes it."""

    fingerprint: str
    issuer: str


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A system of one organisation with its ASID. `operations` are those of the session API that it may call.

    It may call from each address if `source_addresses`, which are addresses and networks, is empty.
    """

    asid: str
    environment: str
    organisation: str
    fqdn: str
    product: str = ""
    version: str = ""
    party_key: str = ""
    certificates: tuple[EndpointCertificate, ...] = ()
    source_addresses: tuple[str, ...] = ()
    operations: frozenset[str] = frozenset()
    status: str = "requested"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook. `sent` is the number of the last event that its address accepted, `problem` why the latest failed."""

    id: str
    url: str
    sent: int
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class NewWebhook(Webhook):
    """A webhook as it is registered, with the secret that signs each delivery."""

    secret: str = field(repr=False)
