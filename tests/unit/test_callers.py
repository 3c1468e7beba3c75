"""The records that each kind of caller may see, typed from rules 1.3 and 7."""

from __future__ import annotations

import pytest

from openers.domain.booking import PasLink
from openers.domain.callers import SYSTEM, Pas
from openers.domain.identifiers import OdsCode, ServiceId

LINK = PasLink(ServiceId("501"), "http://127.0.0.1:9", "demo-pas")


@pytest.mark.parametrize(
    ("application", "link", "sees"),
    [("demo-pas", LINK, True), ("another-pas", LINK, False), ("demo-pas", None, False), ("", None, False)],
)
def test_a_pas_sees_the_bookings_of_the_services_that_it_is_the_pas_of(
    application: str, link: PasLink | None, sees: bool
) -> None:
    assert Pas(application).may_see(link) is sees


@pytest.mark.parametrize("workgroup", [None, "RCD/Cardiology"])
def test_the_service_itself_sees_every_record(workgroup: str | None) -> None:
    assert SYSTEM.may_see(OdsCode("D82106"), workgroup)
