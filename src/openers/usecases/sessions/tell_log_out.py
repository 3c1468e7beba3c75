"""Tell an application that a session has ended in which it took part (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from openers.domain.credentials import CredentialKind, LogOutNotice
from openers.usecases.due import job
from openers.usecases.ports.transaction import DueItem
from openers.usecases.sessions.ending import TELL, TOLD_FOR
from openers.usecases.world import World


@job(TELL)
async def tell_log_out(item: DueItem, world: World) -> None:
    """Send one message, unless it is too old. Raises Unavailable if the application does not accept it."""
    async with world.read() as tx:
        notice = await tx.credentials.get(CredentialKind.LOG_OUT_NOTICE, item.key, LogOutNotice)
    if notice is not None and world.wall.now() < notice.ended + TOLD_FOR:
        await world.log_outs.tell(notice, world.base_url)
    async with world.begin(TELL) as tx:
        await tx.credentials.take(CredentialKind.LOG_OUT_NOTICE, item.key, LogOutNotice)
        await tx.due.done(item)
