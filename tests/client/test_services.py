"""The clinic types that a service can have, as the client reads them."""

from __future__ import annotations

from openers.testing import WorldOfTest
from openers_client import SyncErsClient
from tests.client.people import application


def test_clinic_types_in_use_have_names(world: WorldOfTest) -> None:
    with SyncErsClient(world.base_url, headers=world.tenant) as client:
        services = client.administration(client.application_session(application("demo-ops"))).services
        found = {(each.specialty, each.clinic_type): each for each in services.clinic_types()}
    heart = found["CARDIOLOGY", "HEART_FAILURE"]
    assert (heart.specialty_name, heart.clinic_type_name) == ("Cardiology", "Heart Failure")
