"""Rules for the properties and dates of reasons, tested with changed reference data.

The packaged data has no reason that depends on only one of these rules. Source: rules chapters 4 (A014, A036), 5.1 and
11.2 row 21.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from openers.domain.codes import ClinicalTerm, CodeSystem, CodeSystemName
from openers.domain.geography import Point
from openers.domain.identifiers import Postcode
from openers.usecases.ports.transaction import ReferenceData
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import code
from tests.kit.referrals.words import cancelling, rejecting, request_of, said
from tests.kit.service.running import CONSULTANT, GP, Person, Running, edge_in

pytestmark = pytest.mark.anyio
REJECTION, REFERRAL = CodeSystemName.APPOINTMENT_CANCELLATION_REASON, CodeSystemName.REFERRAL_CANCELLATION_REASON


@dataclass
class OtherRelease:
    """The packaged reference data with one code system replaced."""

    packaged: ReferenceData
    other: CodeSystem

    def code_system(self, name: CodeSystemName) -> CodeSystem:
        """Return the replaced code system, or a packaged one."""
        return self.other if name is self.other.name else self.packaged.code_system(name)

    def clinical_term(self, code: str) -> ClinicalTerm | None:
        """Return the packaged term."""
        return self.packaged.clinical_term(code)

    def locate(self, postcode: Postcode) -> Point | None:
        """Return the packaged location."""
        return self.packaged.locate(postcode)


async def with_reason(
    cast: Cast, system: CodeSystemName, reason: str, who: Person, **changes: Any
) -> httpx.AsyncClient:
    """Return a client of the same service with changed dates or properties of one reason."""
    service = cast.rig.run.service
    packaged = service.world.reference
    known = packaged.code_system(system)
    concept = known.concepts[reason]
    properties = changes.pop("properties", {})
    kept = tuple((name, value) for name, value in concept.properties if name not in properties)
    new = msgspec.structs.replace(concept, properties=(*kept, *properties.items()), **changes)
    other = msgspec.structs.replace(known, concepts={**known.concepts, reason: new})
    world = msgspec.structs.replace(service.world, reference=OtherRelease(packaged, other))
    edge = edge_in(world, service)
    run = Running(msgspec.structs.replace(service, world=world, edge=edge), cast.rig.run.clients)
    return await run.as_person(who)


async def test_a_rejection_whose_reason_demands_words(cast: Cast) -> None:
    """If the reason requires a comment, A014 returns VALUE_IS_REQUIRED without one."""
    gp = await with_reason(cast, REJECTION, "OTHER", CONSULTANT, properties={"commentIsMandatory": True})
    referral = await cast.booked()
    assert code(await gp.post(**request_of("A014", referral, rejecting("OTHER")))) == (422, "VALUE_IS_REQUIRED")
    words = said("rejectionComments", "too far")
    assert (await gp.post(**request_of("A014", referral, rejecting("OTHER"), words))).status_code == 200


async def test_a_reason_that_cannot_cancel_a_booking(cast: Cast) -> None:
    """A036 rejects the reason for a booked referral and accepts it for an unbooked one."""
    cannot = {"canCancelAppointment": False}
    gp = await with_reason(cast, REFERRAL, "RAISED_IN_ERROR", GP, properties=cannot)
    booked, unbooked = await cast.booked(), await cast.not_booked()
    reply = await gp.post(**request_of("A036", booked, cancelling("RAISED_IN_ERROR")))
    assert code(reply) == (422, "INAPPROPRIATE_VALUE")
    assert (await gp.post(**request_of("A036", unbooked, cancelling("RAISED_IN_ERROR")))).status_code == 200


@pytest.mark.parametrize(("starts", "ends", "status"), [(1, None, 422), (0, None, 200), (-9, 1, 200), (-9, 0, 422)])
async def test_a_reason_is_in_use_from_its_first_day_to_before_its_last(
    cast: Cast, starts: int, ends: int | None, status: int
) -> None:
    """A reason can be used from its start until before its end. Both are in days from today (A014 and A036)."""
    today = datetime.now(UTC)
    dates = {
        "effective_from": today + timedelta(days=starts),
        "effective_to": None if ends is None else today + timedelta(days=ends),
    }
    consultant = await with_reason(cast, REJECTION, "OTHER", CONSULTANT, **dates)
    reply = await consultant.post(**request_of("A014", await cast.booked(), rejecting("OTHER")))
    assert reply.status_code == status, reply.text
    gp = await with_reason(cast, REFERRAL, "INTEND_PRIVATE", GP, **dates)
    reply = await gp.post(**request_of("A036", await cast.not_booked(), cancelling()))
    assert reply.status_code == status, reply.text
