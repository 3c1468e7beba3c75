"""The demo world has everything that its documentation describes."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from openers.domain.codes import BookableType, CodeSystemName, GenderTreated, Priority, RequestFlow
from openers.domain.credentials import AccessMode, Application
from openers.domain.directory import LimitedWait, OrganisationKind, Service, User
from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, UserId
from openers.domain.patient import Patient, Sex
from openers.domain.principal import RA, RC, RCA, SPA, SPC, SPCA, BusinessFunction
from openers.reference import PackagedReference
from openers.worlds.packs import pack_names, read_pack
from openers.worlds.packs.people import check_digit

PACK = read_pack("demo")
REFERENCE = PackagedReference(PACK.clinical_terms)
SERVICES = {service.id: service for service in PACK.services}
HEART_FAILURE = ("CARDIOLOGY", "HEART_FAILURE")


def user(number: str) -> User:
    """Return the user with this id."""
    return next(each for each in PACK.users if each.id == UserId(number))


def patient(number: str) -> Patient:
    """Return the patient with this NHS number."""
    return next(each for each in PACK.patients if each.nhs_number == NhsNumber(number))


def application(client_id: str) -> Application:
    """Return the application with this client id."""
    return next(each for each in PACK.applications if each.client_id == client_id)


def published() -> list[Service]:
    """Return all published services."""
    return [service for service in PACK.services if service.is_published]


@pytest.mark.parametrize(
    ("number", "function", "organisation"),
    [
        ("555073103100", RC, "D82106"),
        ("555031998104", RCA, "D82106"),
        ("555031998103", RA, "D82106"),
        ("555032006106", SPC, "RCD"),
        ("555031999105", SPC, "RCD"),
        ("555031998104", SPCA, "RCD"),
        ("555032006103", SPA, "RCD"),
        ("555032006100", BusinessFunction.SERVICE_DEFINER, "RCD"),
        ("656005750112", RC, "D82106"),
        ("656005750109", RC, "D82106"),
        ("656005750110", RC, "D82106"),
        ("555032007101", SPC, "R69"),
        ("021600556514", RC, "D82106"),
        ("021600556514", SPC, "R69"),
        ("021600556514", SPC, "RCD"),
    ],
)
def test_who_is_what_where(number: str, function: BusinessFunction, organisation: str) -> None:
    assert user(number).holds(function, OdsCode(organisation))
    assert user(number).active


@pytest.mark.parametrize(
    ("number", "identity", "authenticator"),
    [("656005750112", 2, 3), ("656005750109", 3, 2), ("656005750110", 3, 1), ("555073103100", 3, 3)],
)
def test_how_surely_people_are_known(number: str, identity: int, authenticator: int) -> None:
    assurance = user(number).assurance
    assert (assurance.identity_level, assurance.authenticator_level) == (identity, authenticator)


def test_workgroups_let_people_act_for_each_other_at_one_provider_only() -> None:
    ours = [user(number).workgroups_at(OdsCode("RCD")) for number in ("555032006106", "555031999105", "555031998104")]
    assert ours[0] & ours[1] & ours[2]
    elsewhere = user("555032007101")
    assert elsewhere.workgroups
    assert not elsewhere.workgroups_at(OdsCode("RCD"))


def test_every_service_has_people_to_see_its_requests() -> None:
    for organisation, clinician in (("RCD", "555032006106"), ("R69", "555032007101")):
        used = {service.workgroup for service in PACK.services if service.organisation == organisation}
        assert used == user(clinician).workgroups_at(OdsCode(organisation))


def test_there_are_an_inactive_user_a_closed_practice_and_a_commissioner() -> None:
    assert any(not each.active for each in PACK.users)
    assert any(each.is_closed(PACK.day) for each in PACK.organisations)
    kinds = {each.ods: each.kind for each in PACK.organisations if not each.is_closed(PACK.day)}
    assert kinds[OdsCode("D82106")] is OrganisationKind.GP_PRACTICE
    assert kinds[OdsCode("RCD")] is kinds[OdsCode("R69")] is OrganisationKind.PROVIDER
    assert OrganisationKind.COMMISSIONER in kinds.values()


def test_applications() -> None:
    for client_id in ("demo-user-app", "demo-no-asid"):
        app = application(client_id)
        assert app.mode is AccessMode.USER_RESTRICTED
        assert app.redirect_uris == ("http://127.0.0.1:8003/callback", "http://127.0.0.1/callback")
        assert app.secret_sha256 == hashlib.sha256(PACK.secrets[client_id].encode()).hexdigest()
    assert application("demo-no-asid").asid is None
    assert [app.client_id for app in PACK.applications if not app.asid] == ["demo-no-asid", "portal", "demo-ops"]
    assert all(app.test_only for app in PACK.applications)


@pytest.mark.parametrize(
    ("client_id", "function", "organisation"),
    [
        ("demo-provider-app", BusinessFunction.PROVIDER_AUTHORISED_APPLICATION, "RCD"),
        ("demo-referrer-app", BusinessFunction.REFERRER_AUTHORISED_APPLICATION, "D82106"),
    ],
)
def test_applications_that_act_by_themselves(client_id: str, function: BusinessFunction, organisation: str) -> None:
    app = application(client_id)
    assert app.mode is AccessMode.APPLICATION_RESTRICTED
    assert (app.function, app.organisation) == (function, organisation)
    assert app.user is not None
    assert app.secret_sha256 is None


def test_keys_are_rsa_4096_and_only_their_public_parts_are_registered() -> None:
    demo = {"demo-user-app", "demo-provider-app", "demo-referrer-app", "demo-pas", "demo-ops"}
    assert set(PACK.private_keys) == demo | {"quickconnect", "portal"}
    for client_id, private in PACK.private_keys.items():
        (public,) = application(client_id).keys["keys"]
        assert set(public) == {"kty", "kid", "use", "alg", "n", "e"}
        assert public.items() <= private.items()
        assert len(public["n"]) * 6 // 8 == 512
        assert "d" in private


def test_thirty_services_over_eight_specialties_one_withdrawn() -> None:
    assert sorted(int(number) for number in SERVICES) == list(range(11001, 11031))
    assert len({service.specialty for service in PACK.services}) == 8
    assert len(published()) == 29
    assert {service.organisation for service in PACK.services} == {"RCD", "R69"}


def test_what_is_offered_for_heart_failure() -> None:
    offered = [each for each in published() if HEART_FAILURE in each.clinic_types and each.postcode.startswith("LS1 ")]
    direct = [each for each in offered if each.bookable is BookableType.DIRECTLY_BOOKABLE]
    assert sum("no free slots" in each.name for each in direct) == 1
    assert len(direct) >= 3
    assert any(each.is_triage for each in offered)
    assert any(RequestFlow.ADVICE_AND_GUIDANCE_REQUEST in each.flows for each in direct)
    everywhere = [each for each in published() if HEART_FAILURE in each.clinic_types]
    assert any(each.bookable is BookableType.INDIRECTLY_BOOKABLE for each in everywhere)
    advice_alone = [each for each in everywhere if each.flows == (RequestFlow.ADVICE_AND_GUIDANCE_REQUEST,)]
    assert [each.bookable for each in advice_alone] == [BookableType.UNSPECIFIED]


def test_services_with_a_promised_part() -> None:
    direct, triage, advising, full = (
        SERVICES[number] for number in map(ServiceId, ("11002", "11004", "11010", "11021"))
    )
    assert direct.bookable is BookableType.DIRECTLY_BOOKABLE
    assert not direct.letter_required
    assert direct.priorities == frozenset(Priority)
    assert direct.commissioning.nationally_available
    assert triage.is_triage
    assert UserId("021600556514") in triage.clinicians
    assert set(advising.flows) == {RequestFlow.APPOINTMENT_REQUEST, RequestFlow.ADVICE_AND_GUIDANCE_REQUEST}
    assert full.letter_required
    assert "no free slots" in full.name
    term = REFERENCE.clinical_term("1003")
    assert term is not None
    assert set(term.leads_to) <= set(triage.clinic_types)


def test_attributes_vary() -> None:
    services = published()
    assert {each.gender for each in services} == set(GenderTreated)
    assert {each.letter_required for each in services} == {True, False}
    assert {wait for each in services if isinstance(wait := each.appointment_wait_days, LimitedWait)} == set(
        LimitedWait
    )
    assert sum(isinstance(each.appointment_wait_days, int) for each in services) >= 10
    assert any(each.low_capacity for each in services)
    assert any(each.referrer_alert for each in services)
    assert any(each.ages.highest is not None for each in services)
    assert sum(each.priorities != frozenset(Priority) for each in services) == 1
    hidden = [each for each in services if not each.commissioning.admits(OdsCode("D82106"))]
    assert 1 <= len(hidden) <= 3
    contacts = {(contact.for_patients, contact.system) for each in services for contact in each.contacts}
    assert contacts == {(True, "phone"), (False, "email")}


def test_every_clinic_type_and_place_is_known() -> None:
    concepts = REFERENCE.code_system(CodeSystemName.CLINIC_TYPE).concepts
    pairs = [pair for service in PACK.services for pair in service.clinic_types]
    pairs += [pair for term in PACK.clinical_terms for pair in term.leads_to]
    for specialty, clinic_type in pairs:
        assert concepts[clinic_type].effective_on(PACK.day)
        assert concepts[clinic_type].values("specialty") == (specialty,)
    places = [each.postcode for each in (*PACK.organisations, *PACK.sites, *PACK.services, *PACK.patients)]
    assert [place for place in places if place is not None and REFERENCE.locate(place) is None] == []


def test_named_clinicians_are_active_and_work_where_the_service_is_given() -> None:
    for service in PACK.services:
        for number in service.clinicians:
            assert user(number).active
            assert user(number).holds(SPC, service.organisation)


def test_patients() -> None:
    assert len(PACK.patients) == 51
    main = patient("9912003888")
    assert main.practice == "D82106"
    assert main.postcode is not None
    assert main.postcode.outward == "LS1"
    assert main.age_years(PACK.day) >= 18
    assert [each.nhs_number for each in PACK.patients if each.sensitive] == ["9990000018"]
    assert [each.nhs_number for each in PACK.patients if each.died] == ["9990000026"]
    assert [each.nhs_number for each in PACK.patients if each.practice is None] == ["9990000034"]


def test_generated_patients_are_varied_and_can_not_be_real() -> None:
    others = [each for each in PACK.patients if each.nhs_number != "9912003888"]
    for each in others:
        assert each.nhs_number.startswith("999")
        assert check_digit(each.nhs_number[:9]) == each.nhs_number[9]
        assert each.born <= PACK.day - timedelta(days=1)
    ages = [each.age_years(PACK.day) for each in others]
    assert min(ages) < 5
    assert max(ages) >= 80
    assert {each.sex for each in others} == {Sex.FEMALE, Sex.MALE}


def test_the_pack_is_the_same_each_time_it_is_read() -> None:
    assert pack_names() == ["busy", "demo", "empty", "published", "troubles"]
    assert read_pack("demo") == PACK
