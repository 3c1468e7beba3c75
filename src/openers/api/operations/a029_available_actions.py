"""A029: the actions open to the caller on a referral. Refusals return 400, not 422. Source: rules chapter 4 (A029)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, PROVIDER_APPLICATIONS, Parameter, Tag
from openers.api.registry import operation
from openers.domain.errors import Field, InvalidValue
from openers.domain.identifiers import Ubrn
from openers.domain.principal import CLINICIANS
from openers.usecases.referring.available_actions import FindActions, available_actions
from openers.wire.stu3.acts.tasks import INTENT, STATUS, write_tasks
from openers.wire.stu3.booking.appointment_request import REFERRAL


@operation(
    "A029",
    GET,
    "/STU3/Task",
    operation_id="a029-available-actions-for-user-list",
    tags=(Tag.CHANGE, Tag.MANAGE, Tag.REVIEW),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="AvailableActions",
    audit="API Retrieve Available Actions",
    refusal=400,
    query=(
        Parameter(
            "focus", True, "the referral in its latest version: ReferralRequest/{UBRN}/_history/{version}", "reference"
        ),
        Parameter("intent", True, f"always {INTENT}"),
        Parameter("status", True, f"always {STATUS}"),
    ),
)
async def list_available_actions(call: Call) -> Reply:
    """List the actions that the caller may take with a referral now."""
    focus = REFERRAL.fullmatch(call.one_value(Field.FOCUS))
    if focus is None:
        raise InvalidValue(
            Field.FOCUS, call.one_value(Field.FOCUS), "must be ReferralRequest/{UBRN}/_history/{version}"
        )
    for field, legal in ((Field.INTENT, INTENT), (Field.STATUS, STATUS)):
        if call.one_value(field) != legal:
            raise InvalidValue(field, call.one_value(field), f"must be {legal}")
    query = FindActions(call.principal, Ubrn(focus[1]), int(focus[2]))
    actions = await available_actions(query, call.world)
    body = write_tasks(actions, (query.ubrn, query.version), call.base, call.world.ids.uuid, call.world.clock.now())
    return call.plain(body)
