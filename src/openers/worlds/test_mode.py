"""A service in test mode. `openers.server` opens it here, unless it is for production, which never imports this."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from openers.bootstrap import Service, open_service
from openers.domain.codes import ClinicalTerm
from openers.settings import Settings
from openers.worlds.events.webhooks import wake
from openers.worlds.finder import only
from openers.worlds.probing import Probing


async def open_test_service(settings: Settings, terms: Iterable[ClinicalTerm] = ()) -> Service:
    """The service that the settings describe, in test mode. Raises Unavailable, SettingsError."""
    probing = Probing(settings)
    service = await open_service(settings, terms, lambda world: probing.can_fail(world, world.name))
    edge, routes = probing.around(service.edge, only(service.world))
    service.pages.router.routes.extend(routes)

    async def _before_due() -> None:
        await wake(service.world)

    jobs = {**service.jobs, **probing.jobs}
    return msgspec.structs.replace(service, edge=edge, jobs=jobs, before_due=_before_due)
