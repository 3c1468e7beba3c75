"""Register and remove webhooks. The service gives their ids and, if none is sent, their secrets."""

from __future__ import annotations

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Reach, Resource
from openers.domain.webhooks import Webhook
from openers.usecases.administration.kinds import KINDS
from openers.usecases.administration.records import check_key
from openers.usecases.administration.refusals import NoSuchRecord, NotAllowed, Unfit
from openers.usecases.events.webhooks import InvalidRegistration, Registration, register, remove
from openers.usecases.world import World


async def register_webhook(wanted: Registration, by: Administrator, world: World) -> Webhook:
    """Register a webhook. Raises NotAllowed, Unfit, RecordLocked, Unavailable."""
    _check(Method.PUT, by)
    try:
        return await register(wanted, world)
    except InvalidRegistration as error:
        place, _, cause = str(error).partition(": ")
        raise Unfit(cause, f"/{place}", "correct the value") from error


async def remove_webhook(webhook: str, by: Administrator, world: World) -> None:
    """Remove a webhook; no referral refers to it. Raises NotAllowed, NoSuchRecord, RecordLocked, Unavailable."""
    _check(Method.END, by)
    check_key(KINDS[Resource.WEBHOOKS], webhook, by)
    if not await remove(webhook, world):
        raise NoSuchRecord(f"there is no webhook {webhook}", "path", "look for its id in the list of webhooks")


def _check(method: Method, by: Administrator) -> None:
    if by.reach(Resource.WEBHOOKS, method) is not Reach.ALL:
        raise NotAllowed(f"{by.caller} may not {method} webhooks", "Authorization", "ask an administrator")
