"""R4 replies, compared with replies typed by hand, including the order of elements."""

from __future__ import annotations

import json

from tests.unit.wire_values import (
    BASE,
    FULL_SERVICE,
    REFERRAL,
    SMALL_SERVICE,
    golden,
    in_order,
    searchset,
    stored,
)

from openers.domain.codes import AppointmentType, RequestFlow
from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import RC, SPC, BusinessFunction
from openers.usecases.referring.find_requests import FoundRequests
from openers.wire.r4.practitioners import write_practitioner_roles, write_practitioners
from openers.wire.r4.service_requests import write_service_requests
from openers.wire.r4.services import FLOWS, TYPES, write_service, write_services

USER = User(
    UserId("555000000001"),
    "Somebody",
    (
        Role(OdsCode("RXX"), (SPC, BusinessFunction.SERVICE_DEFINER)),
        Role(OdsCode("A81001"), (RC,)),
    ),
)


def test_a_service_with_everything() -> None:
    written = write_service(stored("501", 6, FULL_SERVICE), BASE)
    assert in_order(written) == in_order(golden("a033/full.json"))


def test_services_by_id_leave_out_what_a_service_does_not_have() -> None:
    written = write_services([stored("502", 2, SMALL_SERVICE)], searchset("_id=502,999"))
    assert in_order(written) == in_order(golden("a035/one_service.json"))


def test_every_appointment_type_and_flow_has_a_code_and_a_display() -> None:
    assert set(TYPES) == set(AppointmentType)
    assert set(FLOWS) == set(RequestFlow)


def test_functions_by_organisation() -> None:
    assert in_order(write_practitioner_roles(USER, searchset())) == in_order(golden("a030/two_organisations.json"))


def test_somebody_without_roles_gets_an_empty_bundle() -> None:
    shown = json.loads(write_practitioner_roles(User(UserId("555000000001"), "Nobody", ()), searchset()))
    assert shown["total"] == 0
    assert "entry" not in shown


def test_the_identifier_of_a_practitioner_is_an_object_and_its_full_url_is_relative() -> None:
    clinician = User(UserId("555000000009"), "Clinician", ())
    written = write_practitioners([clinician], searchset("_query=onBehalfOf"))
    assert in_order(written) == in_order(golden("a040/one_clinician.json"))


def test_a_request_found_by_its_ubrn() -> None:
    written = write_service_requests(
        FoundRequests(stored(REFERRAL.ubrn, 3, REFERRAL), None), searchset("identifier=000000012345")
    )
    assert in_order(written) == in_order(golden("a041/one_referral.json"))


def test_no_request_found() -> None:
    written = write_service_requests(FoundRequests(None, None), searchset("identifier=000000012346"))
    assert in_order(written) == in_order(golden("a041/none.json"))
