"""The life of a service by the client: draft, checks, publishing, versions, differences, visibility, end."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from datetime import date
from typing import Final

import msgspec
import pytest

from openers.testing import WorldOfTest
from openers.wire.admin.drafts import DraftRecord
from openers_client import InvalidRequest, NotFound, SyncErsClient, VersionConflict
from openers_client.administration import Ages, Change, ContactDetail, Referrer, Rules, ServiceDraft
from openers_client.administration.sync import SyncServices
from tests.client.people import application

FIRST: Final = ServiceDraft(name="Palpitations clinic", organisation="RCD", site="RCD01")
WHOLE: Final = {
    "workgroup": "RCD/Cardiology",
    "clinic_types": (("CARDIOLOGY", "HEART_FAILURE"),),
    "flows": ("APPOINTMENT_REQUEST",),
    "appointment_type": "FIRST_OUTPATIENT",
    "priorities": frozenset({"ROUTINE", "URGENT"}),
    "gender": "MALE_AND_FEMALE",
    "ages": Ages(),
    "commissioning": Rules(),
    "contacts": (ContactDetail(for_patients=True, system="phone", value="0113 496 0001"),),
}
PRACTICE: Final = Referrer(organisation="D82106", priority="URGENT", age=40)


@pytest.fixture
def services(world: WorldOfTest) -> Generator[SyncServices]:
    """Provide the services of a world for an application that may administer."""
    with SyncErsClient(world.base_url, headers=world.tenant) as client:
        found = client.administration(client.application_session(application("demo-ops"))).services
        assert isinstance(found, SyncServices)
        yield found


def test_a_service_is_defined_published_changed_hidden_and_ended(services: SyncServices) -> None:
    begun = services.create_draft(FIRST)
    assert (begun.version, begun.value) == (1, dataclasses.replace(FIRST, id=begun.key))
    assert "CLINIC_TYPES" in {each.check for each in services.check(begun.key).findings}
    with pytest.raises(InvalidRequest, match="NOT_PUBLISHABLE"):
        services.publish(begun)
    ready = services.save_draft(begun, dataclasses.replace(begun.value, **WHOLE))
    with pytest.raises(VersionConflict):
        services.save_draft(begun, dataclasses.replace(begun.value, name="Other"))
    assert begun.key in [each.key for each in services.drafts(page_size=1)]
    checked = services.check(begun.key)
    assert (checked.publishable, [each.is_warning for each in checked.findings]) == (True, [True])
    live = services.publish(ready)
    assert (live.key, live.version, live.value.status) == (begun.key, 1, "PUBLISHED")
    seen = services.visibility(begun.key, PRACTICE)
    assert (seen.shown, seen.slots) == (True, ())
    changed = services.save_draft(
        services.read_draft(begun.key), dataclasses.replace(ready.value, base=1, referrer_alert="Send an ECG")
    )
    assert Change("/referrer_alert", None, "Send an ECG") in services.difference(begun.key)
    services.publish(changed)
    assert services.versions(begun.key) == (2, 1)
    assert services.version(begun.key, 1).value.referrer_alert is None
    assert services.difference(begun.key, 1, 2) == (Change("/referrer_alert", None, "Send an ECG"),)
    services.unpublish(begun.key)
    hidden = services.visibility(begun.key, PRACTICE)
    assert (hidden.shown, hidden.hidden_by, bool(hidden.told)) == (False, "PUBLISHED", True)
    services.publish(services.read_draft(begun.key))
    assert services.end_on(begun.key, date(2099, 3, 31)).value.closes_on == date(2099, 3, 31)
    copy = services.copy(begun.key, "Palpitations clinic, evenings")
    assert copy.value.clinic_types == WHOLE["clinic_types"]
    services.discard_draft(copy.key)
    with pytest.raises(NotFound):
        services.read_draft(copy.key)


def test_the_slots_of_a_linked_service_are_polled_and_explained(services: SyncServices) -> None:
    assert services.poll("11006") >= 0
    assert services.visibility("11006", PRACTICE).slots


def test_clinic_types_in_use_have_names(services: SyncServices) -> None:
    found = {(each.specialty, each.clinic_type): each for each in services.clinic_types()}
    heart = found["CARDIOLOGY", "HEART_FAILURE"]
    assert (heart.specialty_name, heart.clinic_type_name) == ("Cardiology", "Heart Failure")


def test_a_draft_has_the_values_and_defaults_of_the_api() -> None:
    assert [each.name for each in dataclasses.fields(ServiceDraft)] == list(DraftRecord.__struct_fields__)
    theirs = DraftRecord(name=FIRST.name, organisation=FIRST.organisation, site=FIRST.site)
    assert msgspec.to_builtins(dataclasses.asdict(FIRST), order="sorted") == msgspec.to_builtins(theirs, order="sorted")
