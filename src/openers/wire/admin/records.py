"""The records of the administration as JSON. Field names are those of the stored values; other fields are refused."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from openers.domain.codes import (
    AdditionalRequirement,
    AppointmentType,
    BookableType,
    GenderTreated,
    Priority,
    RequestFlow,
)
from openers.domain.credentials import AccessMode
from openers.domain.directory import LimitedWait, OrganisationKind, ServiceStatus
from openers.domain.endpoints.endpoint import EndpointStatus
from openers.domain.patient import Sex
from openers.domain.principal import BusinessFunction
from openers.wire.admin.texts import (
    Age,
    Asid,
    Base64Url,
    ClientId,
    Code,
    Days,
    HostName,
    Hours,
    Line,
    LogOutAddress,
    Name,
    NetworkText,
    NhsNumberText,
    Ods,
    OperationId,
    PersonId,
    PostcodeText,
    RedirectAddress,
    ServiceNumber,
    Sha256,
    Text,
    WebAddress,
    Workgroup,
)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record of the administration."""


class Organisation(Record, frozen=True, kw_only=True):
    """An organisation: a GP practice, a provider of services, or a commissioner. It is open until `closed_on`."""

    ods: Ods
    name: Name
    kind: OrganisationKind
    postcode: PostcodeText
    address: Line = ""
    telephone: Line = ""
    closed_on: date | None = None
    commissioner: Annotated[Ods | None, Meta(description="The commissioner that pays for its referrals")] = None


class Site(Record, frozen=True, kw_only=True):
    """A place where an organisation provides its services. It is open until `closed_on`."""

    ods: Ods
    organisation: Ods
    name: Name
    postcode: PostcodeText
    closed_on: date | None = None


class PersonRole(Record, frozen=True, kw_only=True):
    """The business functions of a person at one organisation."""

    organisation: Ods
    functions: Annotated[tuple[BusinessFunction, ...], Meta(min_length=1, max_length=20)]
    from_claims: Annotated[bool, Meta(description="The role comes from the claims of the last log-in")] = False


class PersonAssurance(Record, frozen=True, kw_only=True):
    """How a person logs in where no OpenID provider says it: identity level, authenticator level and method."""

    identity_level: Annotated[int, Meta(ge=0, le=3)] = 3
    authenticator_level: Annotated[int, Meta(ge=1, le=3)] = 3
    method: Line = "N3_SMARTCARD"


class Person(Record, frozen=True, kw_only=True):
    """A person with role profiles. Workgroups are written as ODS code, slash and name."""

    id: PersonId
    name: Name
    roles: Annotated[tuple[PersonRole, ...], Meta(max_length=200)]
    workgroups: Annotated[frozenset[Workgroup], Meta(max_length=1000)] = frozenset()
    assurance: PersonAssurance = PersonAssurance()
    active: bool = True


class PublicKey(Record, frozen=True, kw_only=True):
    """A public RSA key as JSON Web Key. `kid` is the name under which the application signs."""

    kty: Literal["RSA"]
    kid: Annotated[str, Meta(min_length=1, max_length=255)]
    n: Annotated[Base64Url, Meta(min_length=342, max_length=1400, description="Modulus, at least 2048 bits")]
    e: Annotated[Base64Url, Meta(min_length=1, max_length=10)]
    alg: Literal["RS512"] | msgspec.UnsetType = msgspec.UNSET
    use: Literal["sig"] | msgspec.UnsetType = msgspec.UNSET


class KeySet(Record, frozen=True, kw_only=True):
    """The public keys of an application (JSON Web Key Set)."""

    keys: Annotated[tuple[PublicKey, ...], Meta(max_length=10)] = ()


class Application(Record, frozen=True, kw_only=True):
    """An application. One for people has redirect addresses; one that acts for itself has keys, and may have a role.

    One that `administers` may call this API. `test_only` marks published keys, which production refuses.
    """

    client_id: ClientId
    name: Name
    mode: AccessMode
    asid: Asid | None = None
    keys: KeySet = KeySet()
    jwks_uri: WebAddress | None = None
    secret_sha256: Sha256 | None = None
    redirect_uris: Annotated[tuple[RedirectAddress, ...], Meta(max_length=50)] = ()
    organisation: Ods | None = None
    function: BusinessFunction | None = None
    user: PersonId | None = None
    test_only: bool = False
    administers: bool = False
    active: bool = True
    single_sign_on: bool = False
    log_out_uri: LogOutAddress | None = None
    log_out_redirect_uris: Annotated[tuple[RedirectAddress, ...], Meta(max_length=50)] = ()


class Ages(Record, frozen=True, kw_only=True):
    """The ages that a service treats, both ends included; null means no limit."""

    lowest: Age | None = None
    highest: Age | None = None


class ContactDetail(Record, frozen=True, kw_only=True):
    """Contact details of a service, for patients or for healthcare professionals."""

    for_patients: bool
    system: Literal["phone", "email", "fax", "url", "other"]
    value: Name


class Rules(Record, frozen=True, kw_only=True):
    """Whose patients a service accepts: all, or only those of the listed organisations."""

    nationally_available: bool = True
    organisations: Annotated[frozenset[Ods], Meta(max_length=1000)] = frozenset()


class Window(Record, frozen=True, kw_only=True):
    """From when until when, counted from now, slots are offered for one priority."""

    starts_after_hours: Annotated[int, Meta(ge=1, le=10_000, description="Hours")] = 1
    ends_after_days: Days | None = None


class SlotSettings(Record, frozen=True, kw_only=True):
    """How far ahead the PAS is polled, the booking window of each priority, and how long new slots are reserved."""

    polling_range_days: Annotated[int, Meta(ge=0, le=366, description="Days")] | None = None
    windows: dict[Priority, Window] = {}
    reservation_days: Annotated[int, Meta(ge=0, le=366, description="Days; 0, 1 or 2 can be published")] = 0


class Pathways(Record, frozen=True, kw_only=True):
    """Why a service is restricted, and who may refer all the same: people, organisations, the staff of services.

    `workgroups` are those of `services`; the service fills them in.
    """

    reason: Line = ""
    referrers: Annotated[frozenset[PersonId], Meta(max_length=1000)] = frozenset()
    organisations: Annotated[frozenset[Ods], Meta(max_length=1000)] = frozenset()
    services: Annotated[frozenset[ServiceNumber], Meta(max_length=100)] = frozenset()
    workgroups: Annotated[frozenset[Workgroup], Meta(max_length=100)] = frozenset()


class Service(Record, frozen=True, kw_only=True):
    """A service. It is replaced as a whole; `clinic_types` are pairs of a specialty and a clinic type (A004)."""

    id: ServiceNumber
    name: Name
    organisation: Ods
    site: Ods
    location_name: Name
    postcode: PostcodeText
    workgroup: Workgroup
    clinic_types: Annotated[tuple[tuple[Code, Code], ...], Meta(min_length=1, max_length=100)]
    flows: Annotated[tuple[RequestFlow, ...], Meta(min_length=1, max_length=3)]
    bookable: BookableType
    appointment_type: AppointmentType | None = None
    priorities: Annotated[frozenset[Priority], Meta(min_length=1)] = frozenset(Priority)
    letter_required: bool = True
    letter_freeze_days: Days = 0
    gender: GenderTreated = GenderTreated.MALE_AND_FEMALE
    ages: Ages = Ages()
    clinicians: Annotated[frozenset[PersonId], Meta(max_length=1000)] = frozenset()
    commissioning: Rules = Rules()
    appointment_wait_days: Days | LimitedWait = LimitedWait.LIMITED_AVAILABILITY
    treatment_wait_days: Days | None = None
    low_capacity: bool = False
    displayed_prominently: bool = False
    referrer_alert: Text | None = None
    exclusions: Text | None = None
    suggested_investigations: Text | None = None
    conditions_treated: Text | None = None
    additional_requirements: Annotated[tuple[AdditionalRequirement, ...], Meta(max_length=3)] = ()
    hours_of_operation: Text | None = None
    instructions: Text | None = None
    contacts: Annotated[tuple[ContactDetail, ...], Meta(max_length=50)] = ()
    status: ServiceStatus = ServiceStatus.PUBLISHED
    advice_response_hours: Hours | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    slot_rules: SlotSettings = SlotSettings()
    restriction: Pathways | None = None
    allocated_clinicians: Annotated[frozenset[PersonId], Meta(max_length=1000)] = frozenset()


class CommissioningRule(Record, frozen=True, kw_only=True):
    """A rule by which the organisations of a commissioner may refer to a service from a day on.

    `id` is the number of the service, a hyphen, and the code of the commissioner.
    """

    id: Code
    service: ServiceNumber
    commissioner: Ods
    starts: date
    active: bool = True


class SpecialtyRow(Record, frozen=True, kw_only=True):
    """A specialty that a code set adds or renames."""

    code: Code
    display: Name


class ClinicTypeRow(Record, frozen=True, kw_only=True):
    """A clinic type that a code set adds or changes, with the specialties to which it belongs."""

    code: Code
    display: Name
    specialties: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=100)]


class MappedPair(Record, frozen=True, kw_only=True):
    """A pair of specialty and clinic type that is not used any more, and the pairs that take its place."""

    old: tuple[Code, Code]
    new: Annotated[tuple[tuple[Code, Code], ...], Meta(max_length=100)] = ()


class CodeSet(Record, frozen=True, kw_only=True):
    """What changes in the specialties and clinic types on a day. The set of a day is known by the day.

    Codes are added, renamed and ended, never removed. `mapping` says which pairs take the place of old ones.
    """

    starts: date
    specialties: Annotated[tuple[SpecialtyRow, ...], Meta(max_length=1000)] = ()
    clinic_types: Annotated[tuple[ClinicTypeRow, ...], Meta(max_length=10_000)] = ()
    ended_specialties: Annotated[frozenset[Code], Meta(max_length=1000)] = frozenset()
    ended_clinic_types: Annotated[frozenset[Code], Meta(max_length=10_000)] = frozenset()
    mapping: Annotated[tuple[MappedPair, ...], Meta(max_length=10_000)] = ()
    active: bool = True


class PasLink(Record, frozen=True, kw_only=True):
    """The link of a directly bookable service to its Patient Administration System (PAS).

    `url` is the FHIR base URL of the PAS; `client_id` is the application with which it sends notifications.
    """

    service: ServiceNumber
    url: WebAddress
    client_id: ClientId
    active: bool = True


class Patient(Record, frozen=True, kw_only=True):
    """A patient of the built-in source. Nothing is told about a `sensitive` one."""

    nhs_number: NhsNumberText
    family_name: Name
    given_name: Name
    born: date
    sex: Sex
    postcode: PostcodeText | None = None
    address: Annotated[tuple[Line, ...], Meta(max_length=5)] = ()
    practice: Ods | None = None
    sensitive: bool = False
    died: date | None = None


class EndpointCertificate(Record, frozen=True, kw_only=True):
    """A client certificate: its SHA-256, and the name of its issuer as RFC 4514 writes it."""

    fingerprint: Sha256
    issuer: Name


class Endpoint(Record, frozen=True, kw_only=True):
    """A system of one organisation with its ASID. `operations` are those of the session API that it may call.

    It may call from each address if `source_addresses`, which are addresses and networks, is empty.
    """

    asid: Asid
    environment: Code
    organisation: Ods
    fqdn: HostName
    product: Line = ""
    version: Line = ""
    party_key: Line = ""
    certificates: Annotated[tuple[EndpointCertificate, ...], Meta(max_length=10)] = ()
    source_addresses: Annotated[tuple[NetworkText, ...], Meta(max_length=100)] = ()
    operations: Annotated[frozenset[OperationId], Meta(max_length=100)] = frozenset()
    status: EndpointStatus = EndpointStatus.REQUESTED


class Webhook(Record, frozen=True, kw_only=True):
    """A webhook as it is read: the secret is only shown when it is registered.

    `sent` is the number of the last event that the address accepted, `problem` why the last delivery failed.
    """

    id: str
    url: str
    sent: int
    problem: str = ""
