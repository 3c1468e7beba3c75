"""The addresses of the administration, from one table of resources and methods."""

from __future__ import annotations

from typing import Final

from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.admin.dialect import AdminDialect
from openers.api.admin.handlers import PREFIX, Handlers
from openers.api.gateway import Gateway
from openers.api.interaction import Handler, Interaction, Loop
from openers.domain.administration.rights import Resource
from openers.usecases.administration.kinds import KINDS

AUDIT: Final = "API Administration"


def admin_routes(loop: Loop, gateway: Gateway) -> list[Route]:
    """Return the routes of all resources."""
    return [each for resource in Resource for each in _routes_of(resource, loop, gateway)]


def _routes_of(resource: Resource, loop: Loop, gateway: Gateway) -> list[Route]:
    handlers = Handlers(resource, gateway)
    whole, single = f"{PREFIX}/{resource}", f"{PREFIX}/{resource}/{{key}}"
    of_list: dict[str, Handler] = {"GET": handlers.list}
    of_one: dict[str, Handler] = {"GET": handlers.read}
    if resource is Resource.WEBHOOKS:
        of_list["POST"] = handlers.register
        of_one["DELETE"] = handlers.remove
    else:
        of_one["PUT"] = handlers.put
        if KINDS[resource].ended is not None:
            of_one["DELETE"] = handlers.end
    return [
        route(loop, path, {method: _declared(method, path, handle) for method, handle in methods.items()})
        for path, methods in ((whole, of_list), (single, of_one))
    ]


def _declared(method: str, path: str, handle: Handler) -> Declared:
    interaction = Interaction(
        audit=AUDIT, operation=f"{method} {path}", dialect=AdminDialect(), success=200, for_anybody=True
    )
    return Declared(interaction, handle)
