"""Resolves and checks every reference in search criteria, for A010 and for shortlists.

Source: rules chapter 4 (A010), 11.1 rows 3 and 4, 11.2 row 23; 2.7 for the codes.
"""

from __future__ import annotations

from datetime import date

import msgspec

from openers.domain.codes import CodeSystemName, RequestType
from openers.domain.directory import Organisation, OrganisationKind, User
from openers.domain.errors import (
    Field,
    FieldNotPermitted,
    InappropriateValue,
    InvalidCode,
    InvalidValue,
    NoRegGpPractice,
    OrganisationIsClosed,
    OrganisationNotAppropriate,
    PatientError,
    ReferencedUserIsNotActive,
    ReferencedUserIsNotRc,
    ReferencedUserIsNotRcAtOrg,
    ReferencedUserIsNotSpc,
    ReferencedUserNotInOrg,
    ReferenceNotFound,
    SnomedNotFound,
    ValueIsRequired,
)
from openers.domain.geography import Point
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.domain.patient import Patient
from openers.domain.principal import RC, RCA, SPC, Principal
from openers.domain.search import SearchCriteria, ServiceFilter
from openers.domain.services.access import Referrer
from openers.usecases.ports.transaction import ReferenceData, Tx
from openers.usecases.world import World

REFERRING_KINDS = frozenset({OrganisationKind.GP_PRACTICE, OrganisationKind.PROVIDER})
"""Kinds of organisation that make referrals, so that their commissioning rules can apply to one (inferred)."""


class Wanted(msgspec.Struct, frozen=True):
    """The filter for services, and the point from which distances are measured."""

    filter: ServiceFilter
    origin: Point | None


class SearchSubject(msgspec.Struct, frozen=True, kw_only=True):
    """The patient, the caller and the commissioning rules of a search or shortlist.

    `has_referral` is true if the referral exists already: the clinician responsible for it stays the same.
    """

    by: Principal
    patient: NhsNumber
    referring_clinician: UserId | None
    rule_organisation: OdsCode | None = None
    has_referral: bool = False


async def resolve(
    subject: SearchSubject, request_type: RequestType, criteria: SearchCriteria, world: World, tx: Tx
) -> Wanted:
    """Resolve and check every reference of the criteria and their subject. Raises a `FieldRefused`."""
    today = world.clock.now().date()
    criteria.check()
    if not subject.has_referral:
        await resolve_referrer(subject.by, subject.referring_clinician, tx)
    patient = await find_patient(subject.patient, world, tx)
    if patient.practice is None:
        raise NoRegGpPractice(Field.PATIENT, subject.patient, "has no registered GP practice")
    pairs = pairs_of(criteria, world.reference, today)
    await _check_named_clinician(criteria, tx)
    await _check_organisation(criteria, tx, today)
    rules_of = await _rule_organisation(subject, request_type, tx, today)
    referrer = referrer_of(subject.by, rules_of)
    wanted = ServiceFilter.of(request_type, criteria, pairs, referrer, (patient, today))
    return Wanted(wanted, _origin(criteria, patient, world.reference))


def referrer_of(by: Principal, rules_of: Organisation) -> Referrer:
    """Return the caller as services see them, under the commissioning rules of an organisation."""
    return Referrer(
        rules_of=rules_of.ods,
        commissioner=rules_of.commissioner,
        organisation=by.organisation,
        user=by.effective_user,
        workgroups=by.workgroups,
    )


async def find_patient(nhs_number: NhsNumber, world: World, tx: Tx) -> Patient:
    """Return a patient who can be referred. Raises ReferenceNotFound, PatientError."""
    patient = await world.patients.get(nhs_number, tx)
    if patient is None:
        raise ReferenceNotFound(Field.PATIENT, nhs_number, "is not known")
    if patient.sensitive or patient.died is not None:
        raise PatientError(Field.PATIENT, nhs_number)
    return patient


async def resolve_referrer(by: Principal, named: UserId | None, tx: Tx) -> UserId:
    """Return the clinician responsible: the caller, or the one an administrator names (rules 1.3).

    Raises a `FieldRefused`.
    """
    field = Field.REFERRING_CLINICIAN
    if by.function is not RCA:
        if named is not None:
            raise FieldNotPermitted(field, named, f"is only allowed for {RCA}")
        return by.user
    if named is None:
        raise ValueIsRequired(field, hint=f"{RCA} must name the clinician they work for")
    user = await _active_user(field, named, tx)
    if not user.holds(RC):
        raise ReferencedUserIsNotRc(field, named, f"is not a {RC}")
    if not user.holds(RC, by.organisation):
        raise ReferencedUserIsNotRcAtOrg(field, named, f"is not a {RC} at {by.organisation}")
    return named


async def _active_user(field: Field, user_id: UserId, tx: Tx) -> User:
    user = await tx.directory.user(user_id)
    if user is None:
        raise ReferenceNotFound(field, user_id, "is not known")
    if not user.active:
        raise ReferencedUserIsNotActive(field, user_id, "is not active")
    return user


def pairs_of(criteria: SearchCriteria, reference: ReferenceData, today: date) -> frozenset[tuple[str, str]] | None:
    """Return the (specialty, clinic type) pairs of the search: those of its codes, of its clinical term, or of both."""
    by_code = _coded_pair(criteria, reference, today)
    if criteria.clinical_term is None:
        return by_code
    term = reference.clinical_term(criteria.clinical_term)
    if term is None:
        raise SnomedNotFound(Field.CLINICAL_TERM, criteria.clinical_term, "is not in the service's dictionary")
    by_term = frozenset(term.leads_to)
    return by_term if by_code is None else by_term & by_code


def _coded_pair(criteria: SearchCriteria, reference: ReferenceData, today: date) -> frozenset[tuple[str, str]] | None:
    if criteria.specialty is None:
        return None
    specialty = reference.code_system(CodeSystemName.SPECIALTY).concepts.get(criteria.specialty)
    if specialty is None or not specialty.effective_on(today):
        raise InvalidCode(Field.SPECIALTY, criteria.specialty, "is not a specialty in use; see SPECIALTY (A004)")
    clinic_types = reference.code_system(CodeSystemName.CLINIC_TYPE).concepts
    if criteria.clinic_type is None:
        own = (code for code, each in clinic_types.items() if criteria.specialty in each.values("specialty"))
        return frozenset((criteria.specialty, code) for code in own)
    clinic_type = clinic_types.get(criteria.clinic_type)
    if clinic_type is None or not clinic_type.effective_on(today):
        raise InvalidCode(
            Field.CLINIC_TYPE, criteria.clinic_type, "is not a clinic type in use; see CLINIC-TYPE (A004)"
        )
    if criteria.specialty not in clinic_type.values("specialty"):
        raise InappropriateValue(Field.CLINIC_TYPE, criteria.clinic_type, f"is not of specialty {criteria.specialty}")
    return frozenset({(criteria.specialty, criteria.clinic_type)})


async def _check_named_clinician(criteria: SearchCriteria, tx: Tx) -> None:
    named, organisation = criteria.named_clinician, criteria.organisation
    if named is None:
        return
    user = await _active_user(Field.NAMED_CLINICIAN, named, tx)
    if not user.holds(SPC):
        raise ReferencedUserIsNotSpc(Field.NAMED_CLINICIAN, named, f"is not a {SPC}")
    if organisation is not None and not user.works_at(organisation):
        raise ReferencedUserNotInOrg(Field.NAMED_CLINICIAN, named, f"does not belong to {organisation}")


async def _check_organisation(criteria: SearchCriteria, tx: Tx, today: date) -> None:
    if criteria.organisation is not None:
        await _open_organisation(
            Field.ORGANISATION, criteria.organisation, frozenset({OrganisationKind.PROVIDER}), tx, today
        )


async def _rule_organisation(subject: SearchSubject, request_type: RequestType, tx: Tx, today: date) -> Organisation:
    field, named = Field.COMMISSIONING_RULE_ORGANISATION, subject.rule_organisation
    if named is not None and request_type is RequestType.ADVICE_AND_GUIDANCE_REQUEST:
        raise FieldNotPermitted(field, named, f"is not allowed with {request_type}")
    return await _open_organisation(field, named or subject.by.organisation, REFERRING_KINDS, tx, today)


async def _open_organisation(
    field: Field, ods: OdsCode, kinds: frozenset[OrganisationKind], tx: Tx, today: date
) -> Organisation:
    organisation = await tx.directory.organisation(ods)
    if organisation is None:
        raise ReferenceNotFound(field, ods, "is not known")
    if organisation.is_closed(today):
        raise OrganisationIsClosed(field, ods, "has closed")
    if organisation.kind not in kinds:
        raise OrganisationNotAppropriate(
            field, ods, f"is a {organisation.kind}; {' or '.join(sorted(kinds))} is needed"
        )
    return organisation


def _origin(criteria: SearchCriteria, patient: Patient, reference: ReferenceData) -> Point | None:
    """Return the point from which distances are measured: the requested postcode, else the patient's own."""
    if criteria.postcode is None:
        return None if patient.postcode is None else reference.locate(patient.postcode)
    origin = reference.locate(criteria.postcode)
    if origin is None:
        raise InvalidValue(Field.POSTCODE, criteria.postcode, "is not the postcode of a known area")
    return origin
