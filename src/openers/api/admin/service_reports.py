"""Handle the calls that report about services: effects of a change, pairs that are not in use, and the last poll."""

from __future__ import annotations

from typing import Any, Final

from openers.api.admin.handlers import LISTING, NOTHING, Handlers, json_reply
from openers.api.admin.reading import cursor_of, day_of, parameters_of, window_of
from openers.api.admin.service_handlers import service_in
from openers.api.http.reply import Reply
from openers.api.interaction import ActiveCall
from openers.usecases.administration.refusals import Malformed
from openers.usecases.services.effects import effects_on_referrals
from openers.usecases.services.polling import read_last_poll
from openers.usecases.services.unmapped import services_with_old_codes
from openers.wire.admin.reports import write_effects, write_last_poll, write_old_codes

CHANGES: Final = ("publish", "unpublish")
"""The changes whose effects can be asked for."""


class ServiceReports(Handlers, frozen=True):
    """The handlers of the reports below `/admin/v1/services`."""

    async def effects(self, call: ActiveCall) -> Reply:
        """Return what publishing the draft, or unpublishing, would do to referrals under way."""
        by = await self._caller(call)
        change = parameters_of(call.request, frozenset({"change"})).get("change", CHANGES[0])
        if change not in CHANGES:
            raise Malformed("there is no such change", "change", f"send {' or '.join(CHANGES)}")
        found = await effects_on_referrals(service_in(call), by, call.world, unpublish=change == CHANGES[1])
        return json_reply(200, write_effects(found))

    async def old_codes(self, call: ActiveCall) -> Reply:
        """Return the services with pairs that are not in use, among a page of the list of services."""
        by = await self._caller(call)
        asked = parameters_of(call.request, LISTING | {"on"})
        page = await services_with_old_codes(day_of(asked), window_of(self.resource, asked), by, call.world)
        following = None if page.last is None else cursor_of(page.last)
        return json_reply(200, {"items": [write_old_codes(each) for each in page.found], "next": following})

    async def last_poll(self, call: ActiveCall) -> Reply:
        """Return the rows that the PAS sent at the last poll, with the outcome of each."""
        by = await self._caller(call)
        parameters_of(call.request, NOTHING)
        return json_reply(200, write_last_poll(await read_last_poll(service_in(call), by, call.world)))


def report_routes(handlers: ServiceReports) -> dict[str, dict[str, Any]]:
    """Return the handlers by path below `/admin/v1/services` and method."""
    return {
        "/old-codes": {"GET": handlers.old_codes},
        "/{key}/effects": {"GET": handlers.effects},
        "/{key}/last-poll": {"GET": handlers.last_poll},
    }
