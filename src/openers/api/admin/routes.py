"""The addresses of the administration, from one table of resources and methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.admin.audit import AuditHandlers
from openers.api.admin.certificates import CertificateHandlers
from openers.api.admin.dialect import AdminDialect
from openers.api.admin.exchanges import ExchangeHandlers
from openers.api.admin.handlers import BATCH, PREFIX, Handlers
from openers.api.admin.service_handlers import ServiceHandlers, routes_below
from openers.api.admin.service_reports import ServiceReports, report_routes
from openers.api.gateway import Gateway
from openers.api.interaction import Handler, Interaction, Loop
from openers.domain.administration.rights import Resource
from openers.settings import Settings
from openers.tls.issuing import FolderAuthorities
from openers.usecases.administration.kinds import KINDS

AUDIT: Final = "API Administration"
EXCHANGES: Final = f"{PREFIX}/exchanges"
AUDIT_SEARCH: Final = f"{PREFIX}/audit"
CERTIFICATES: Final = f"{PREFIX}/{Resource.ENDPOINTS}/{{key}}/certificates"
CERTIFICATE: Final = f"{CERTIFICATES}/{{serial}}"
REFRESH: Final = f"{PREFIX}/{Resource.ORGANISATIONS}/{{key}}/refresh"


def admin_routes(loop: Loop, gateway: Gateway, settings: Settings) -> list[Route]:
    """Return the routes of all resources, of certificates, of the logs and of the refreshing from ODS.

    In test mode, the authorities of an environment are created when they are needed.
    """
    authorities = FolderAuthorities(settings.ca_directory, creates=not settings.production)
    certificates = CertificateHandlers(gateway, authorities)
    exchanges = ExchangeHandlers(gateway, loop.exchanges)
    organisations = Handlers(Resource.ORGANISATIONS, gateway)
    return [
        *(each for resource in Resource for each in _routes_of(resource, loop, gateway)),
        _route(loop, CERTIFICATES, {"POST": certificates.issue}),
        _route(loop, CERTIFICATE, {"DELETE": certificates.revoke}),
        _route(loop, REFRESH, {"POST": organisations.refresh}),
        _route(loop, EXCHANGES, {"GET": exchanges.export}),
        _route(loop, AUDIT_SEARCH, {"GET": AuditHandlers(gateway).search}),
    ]


def _routes_of(resource: Resource, loop: Loop, gateway: Gateway) -> list[Route]:
    if resource is Resource.SERVICES:
        handlers = ServiceHandlers(resource, gateway)
        reports = report_routes(ServiceReports(resource, gateway))
        methods_of = {BATCH: {"POST": handlers.put_all}, **reports, **routes_below(handlers)}
        return [_route(loop, f"{PREFIX}/{resource}{below}", methods) for below, methods in methods_of.items()]
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
    several = [] if resource is Resource.WEBHOOKS else [_route(loop, f"{whole}{BATCH}", {"POST": handlers.put_all})]
    return [_route(loop, whole, of_list), *several, _route(loop, single, of_one)]


def _route(loop: Loop, path: str, methods: Mapping[str, Handler]) -> Route:
    return route(loop, path, {method: _declared(method, path, handle) for method, handle in methods.items()})


def _declared(method: str, path: str, handle: Handler) -> Declared:
    interaction = Interaction(
        audit=AUDIT, operation=f"{method} {path}", dialect=AdminDialect(), success=200, for_anybody=True
    )
    return Declared(interaction, handle)
