"""Build a running service from settings: the only module that connects adapters to ports.

`openers.server` and the tests call it. It does not load a world's content, which production does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec
import structlog
from starlette.responses import Response
from starlette.routing import Route

from openers.api import operations  # registers all operations
from openers.api.addresses import Addresses
from openers.api.admin.openapi import admin_openapi_routes
from openers.api.admin.routes import admin_routes
from openers.api.capability import capability_routes, is_statement
from openers.api.edge import PREFIX, Edge, interactions_of
from openers.api.exchanges.log import exchange_log_of
from openers.api.failures import Failures
from openers.api.files import file_routes
from openers.api.gateway import Gateway
from openers.api.health import Health, Upkeep, health_routes
from openers.api.home import Show, home_route, page_route
from openers.api.http.hosts import own_hosts
from openers.api.http.request import Scope, WorldOf, always
from openers.api.interaction import ActiveCall, Loop
from openers.api.legacy.assembly import is_legacy, legacy_edge, legacy_routes
from openers.api.legacy.edge import LegacyEdge
from openers.api.oauth.routes import OAuthDeps, oauth_routes
from openers.api.oauth.upstream import upstream_of
from openers.api.observer import UNOBSERVED, Observer
from openers.api.openapi import openapi_routes
from openers.api.pas_notifications import notification_routes
from openers.api.rate_limit import RateLimit
from openers.api.registry import REGISTRY, all_operations
from openers.api.renderings import ResponseCache
from openers.api.routes import Routes
from openers.api.site import Site, asset_route, site_routes
from openers.domain.clock import Clock
from openers.domain.codes import ClinicalTerm
from openers.domain.errors import OpenersError
from openers.domain.slots import Polling
from openers.files.blobs_on_disk import BlobsOnDisk
from openers.files.scanning import Clamd, ContentScanner, ScriptedThreats
from openers.files.signed_addresses import SignedAddresses
from openers.identity.access import AccessCache
from openers.identity.access_codes import AesCodeSeal
from openers.key_files import read_or_make_key, read_or_make_signing_key, refuse_loose_files
from openers.national_services import mirroring_of, ods_of
from openers.outbound.log_out_sender import HttpLogOutSender
from openers.outbound.webhook_sender import HttpWebhookSender
from openers.paper.typesetter import TypstTypesetter
from openers.pas.connector import PasConnector
from openers.places import files_of
from openers.reference import PackagedReference
from openers.settings import Settings, SettingsError
from openers.store.audit.reading import read_state
from openers.store.migrations import HEAD
from openers.store.opening import migrate, open_store
from openers.store.records.patients import OwnPatients
from openers.system import RandomIds, SystemClock
from openers.telemetry.metrics import Metrics
from openers.usecases.booking.poll_slots import POLL
from openers.usecases.dated_reference import DatedReference, follow_code_sets
from openers.usecases.due import DueRunner, Job, JobListener, Plan, run_due, system_entry
from openers.usecases.events.feed import Feed
from openers.usecases.files.purge_files import start_sweeping
from openers.usecases.jobs import JOBS, PLANS
from openers.usecases.listings_cache import ListingsCache
from openers.usecases.patients.renew import start_renewing
from openers.usecases.ports.files import Blobs
from openers.usecases.ports.transaction import DueItem
from openers.usecases.purge_credentials import start_purging
from openers.usecases.world import World
from openers.web.documentation import DOCS, DOCS_HEADERS, SITE, missing_page
from openers.web.home import facts_of, home_json, home_page, text_page, wants_json
from openers.web.log_in import LogInPages

__all__ = ["Service", "do_due_work", "due_runner", "open_service", "open_world", "operations", "service_of"]

_log = structlog.get_logger()


TEXT_PAGES: Final = ("accessibility", "privacy")
"""Pages of text, at their names."""
TRUSTED_FOR_S: Final = 1.0
"""How many seconds an opened token is trusted before it is read again. An end is in force everywhere by then."""


class Service(msgspec.Struct, frozen=True):
    """One running service: its world, and the applications that serve it."""

    settings: Settings
    world: World
    edge: Edge
    pages: Addresses
    metrics: Metrics
    access: AccessCache
    legacy: LegacyEdge

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one HTTP request: FHIR goes to the edge, the API of 2018 to its own, all else to the pages."""
        path = scope["path"]
        app = self.edge if _is_fhir(path) else self.legacy if is_legacy(path) else self.pages
        await app(scope, receive, send)

    def runner(self) -> DueRunner:
        """Return the runner of due work in the world."""
        return due_runner(self.world, self.metrics)

    async def upkeep(self) -> None:
        """Store exchanges, record counted refusals, and follow changes of other processes. Raises Unavailable."""
        await self.settle_exchanges(may_drop=True)
        await self.edge.gateway.failures.settle()
        await follow_code_sets(self.world.reference, self.world.store)
        async with self.world.read() as tx:
            await self.world.listings.follow(tx, self.world.store.generation)

    async def settle_exchanges(self, *, may_drop: bool = False) -> None:
        """Store the logged exchanges that wait in this process; with `may_drop`, drop them after many attempts."""
        if self.edge.loop.exchanges is not None:
            await self.edge.loop.exchanges.settle(may_drop=may_drop)

    async def close(self) -> None:
        """Close everything outside the store."""
        await self.settle_exchanges()
        await self.edge.gateway.failures.close()
        await self.world.pas.close()
        for each in (self.world.mirroring and self.world.mirroring.source, self.world.ods):
            if each is not None:
                await each.close()
        await self.world.blobs.close()


async def open_world(settings: Settings, metrics: Metrics, terms: Iterable[ClinicalTerm] = ()) -> World:
    """Return the world of the settings, with its store migrated and open. Raises Unavailable, SettingsError."""
    if await migrate(settings.database_url):
        _log.info("database migrated", revision=HEAD)
    if find_spec("typst") is None:
        _log.warning("documents cannot be printed", cure="install openers[documents]")
    store = await open_store(settings.database_url, await _audit_key(settings), metrics.group_committed)
    shipped = PackagedReference(terms)
    signing_key = read_or_make_signing_key(settings.signing_key_file, strict=settings.production)
    clock = SystemClock()
    return World(
        name=settings.world,
        base_url=settings.base_url.rstrip("/"),
        store=store,
        clock=clock,
        wall=clock,
        ids=RandomIds(),
        patients=OwnPatients(),
        pas=PasConnector(settings.base_url.rstrip("/"), signing_key.sign, clock, settings.pas_timeout_s),
        blobs=open_blobs(settings),
        scanner=ContentScanner(ScriptedThreats() if settings.clamd_url is None else Clamd(settings.clamd_url)),
        reference=DatedReference(shipped, clock),
        listings=ListingsCache(shipped),
        typesetter=TypstTypesetter(),
        seal=AesCodeSeal(read_or_make_key(settings.access_code_key_file, strict=settings.production)),
        feed=Feed(monotonic),
        sender=HttpWebhookSender(clock),
        log_outs=HttpLogOutSender(signing_key.sign, clock),
        entry=system_entry("Start", clock.now()),
        polling=Polling(timedelta(seconds=settings.poll_every_s), timedelta(days=settings.poll_horizon_days)),
        mirroring=mirroring_of(settings, metrics),
        ods=ods_of(settings, metrics),
    )


async def _audit_key(settings: Settings) -> bytes:
    """Return the key of the audit; create one only if nothing was sealed yet. Raises SettingsError, Unavailable."""
    path, state = settings.audit_key_file, await read_state(settings.database_url)
    cure = "restore the file, or name it in OPENERS_AUDIT_KEY_FILE"
    if state.has_blocks and not state.heads:
        raise SettingsError(("The audit has blocks but no head: run `openers audit verify`, then restore a backup",))
    if state.heads and not path.exists():
        raise SettingsError((f"The audit key {path} that sealed the database's audit is missing: {cure}",))
    key = read_or_make_key(path, strict=settings.production)
    if not state.fits(key):
        raise SettingsError((f"The audit key {path} is not the one that sealed the database's audit: {cure}",))
    return key


async def open_service(settings: Settings, terms: Iterable[ClinicalTerm] = ()) -> Service:
    """Return the service that the settings describe, ready to serve. Raises Unavailable, SettingsError."""
    metrics = Metrics()
    if settings.production:
        refuse_loose_files(files_of(settings.database_url))
    world = await open_world(settings, metrics, terms)
    if settings.production:
        await _refuse_test_applications(world)
    await start_regular_work(world)
    async with world.read() as tx:
        await world.listings.prepare(tx, world.store.generation)
    return service_of(settings, world, metrics)


async def start_regular_work(world: World) -> None:
    """Read the code sets, and schedule regular work that is not scheduled yet. Raises Unavailable."""
    await follow_code_sets(world.reference, world.store)
    starting = world.for_call(system_entry("Start", world.wall.now()))
    await start_purging(starting)
    await start_sweeping(starting)
    await start_renewing(starting)


def _nobody(_gateway: Gateway) -> Observer:
    """Return the observer of production."""
    return UNOBSERVED


def service_of(
    settings: Settings,
    world: World,
    metrics: Metrics,
    world_of: WorldOf | None = None,
    observe: Callable[[Gateway], Observer] = _nobody,
) -> Service:
    """Return the service for `world`, which is open. `world_of` finds the world of a request if there are several.

    `observe` creates the observer, which may use the gateway.
    """
    access = AccessCache(ttl_s=TRUSTED_FOR_S)
    addresses = SignedAddresses(
        read_or_make_key(settings.files_key_file, strict=settings.production),
        world.wall,
        timedelta(seconds=settings.file_address_life_s),
    )
    allowed = None if settings.ods_allow_list is None else frozenset(settings.ods_allow_list)
    failures = Failures(settings.failures_per_minute, monotonic)
    gateway = Gateway(access, RateLimit(settings.rate_limit_per_second, monotonic), allowed, failures)
    routes = Routes(REGISTRY)
    loop = Loop(
        world=world_of or always(world),
        hosts=own_hosts(settings.base_url, settings.host, settings.own_hosts),
        observer=observe(gateway),
        metrics=metrics,
        failures=failures,
        exchanges=exchange_log_of(settings, metrics),
        most_body_bytes=settings.max_body_bytes,
        body_within_s=settings.body_timeout_s,
    )
    edge = Edge(
        loop=loop,
        settings=settings,
        gateway=gateway,
        routes=routes,
        interactions=interactions_of(all_operations()),
        renderings=ResponseCache(),
        addresses=addresses,
    )
    return Service(settings, world, edge, _pages(edge, world), metrics, access, legacy_edge(edge))


def _is_fhir(path: str) -> bool:
    """Return whether the edge serves `path`; the CapabilityStatements are public pages."""
    return path.startswith(f"{PREFIX}/") and not is_statement(path)


def open_blobs(settings: Settings) -> Blobs:
    """Return the blob store of the settings. Raises SettingsError."""
    if settings.blob_url.startswith("s3://"):
        from openers.files.blobs_in_s3 import BlobsInS3  # its client is slow to import

        try:
            return BlobsInS3(settings.blob_url, settings.drafts_directory, settings.blob_endpoint)
        except (OSError, ValueError) as error:
            raise SettingsError((f"OPENERS_BLOB_URL: {settings.blob_url} cannot be used: {error}",)) from error
    directory = Path(settings.blob_url.removeprefix("file:"))
    try:
        return BlobsOnDisk(directory)
    except OSError as error:
        raise SettingsError(
            (f"OPENERS_BLOB_URL: {directory} cannot be created or written: {error.strerror}",)
        ) from error


async def _refuse_test_applications(world: World) -> None:
    """Raise SettingsError, with the store closed, if applications with published keys are registered."""
    async with world.read() as tx:
        known = [each.client_id for each in await tx.directory.applications() if each.test_only]
    if known:
        await world.store.close()
        problem = f"The database has test applications with published keys: {', '.join(known)}. Use another database"
        raise SettingsError((problem,))


def due_runner(world: World, metrics: Metrics, jobs: Mapping[str, Job] = JOBS) -> DueRunner:
    """Return a runner of due work in a world: of the `jobs`, by kind."""
    return DueRunner(world, jobs, note_job(metrics, world.wall), _LOGGED_PLANS)


async def do_due_work(service: Service) -> int:
    """Run all due work of the service's world and the store's upkeep; return the number of items that ran."""
    await service.world.store.upkeep()
    return await run_due(service.world, JOBS, note_job(service.metrics, service.world.wall), _LOGGED_PLANS)


def _pages(edge: Edge, world: World) -> Addresses:
    """Return all addresses other than FHIR."""
    loop, settings, access = edge.loop, edge.settings, edge.gateway.access
    deps = OAuthDeps(
        wall=world.wall,
        base_url=settings.base_url.rstrip("/"),
        production=settings.production,
        signing_key=read_or_make_signing_key(settings.signing_key_file, strict=settings.production),
        cache=access,
        pages=LogInPages(production=settings.production),
        upstream=upstream_of(settings),
        failures=edge.gateway.failures,
        needs_card=settings.require_tls and not settings.production,
    )
    health = Health(world.scanner, upkeep_of(settings))
    routes = [
        *oauth_routes(loop, deps),
        asset_route(loop),
        home_route(loop, health, _home(settings)),
        *(_text_page(loop, each, settings) for each in TEXT_PAGES),
        *health_routes(loop, health, with_metrics=settings.metrics_port is None),
        *capability_routes(loop, world.wall),
        *legacy_routes(loop, world.wall),
        *openapi_routes(loop, settings),
        *notification_routes(loop, edge.gateway),
        *file_routes(loop, edge.addresses),
        *admin_routes(loop, edge.gateway, settings),
        *admin_openapi_routes(loop),
        *site_routes(loop, _documentation(settings)),
    ]
    return Addresses(loop, routes)


def _documentation(settings: Settings) -> Site:
    """Return the site that the service has at `/docs`."""
    missing = partial(missing_page, production=settings.production)
    return Site(path=DOCS, folder=SITE, headers=DOCS_HEADERS, missing=missing)


def _text_page(loop: Loop, name: str, settings: Settings) -> Route:
    return page_route(loop, f"/{name}", lambda call: text_page(name, call.world.root, production=settings.production))


def _home(settings: Settings) -> Show:
    """Return what shows the home page; test mode has one of its own, with the cast."""

    async def _show(call: ActiveCall, health: Mapping[str, object]) -> Response:
        facts = facts_of(settings, call.world, health)
        request = call.http()
        is_json = wants_json(request.query_params, request.headers.get("accept", ""))
        return home_json(facts) if is_json else home_page(facts)

    return _show


def upkeep_of(settings: Settings) -> Upkeep:
    """Return the dependencies of the service's health."""
    kind, _, blobs = settings.blob_url.partition(":")
    files = Path(blobs) if kind == "file" else settings.drafts_directory
    directories = [files, *([] if settings.sqlite_path is None else [settings.sqlite_path.parent])]
    return Upkeep(poll_every=timedelta(seconds=settings.poll_every_s), directories=directories)


def _logged(plan: Plan) -> Plan:
    """Return a plan that logs its failure and does not stop other due work."""

    async def _plan(world: World) -> None:
        try:
            await plan(world)
        except OpenersError as error:
            _log.warning("due work will be planned at the next attempt", plan=plan.__name__, reason=repr(error))
        except Exception:
            await _log.aexception("due work cannot be planned", plan=plan.__name__)

    return _plan


_LOGGED_PLANS: Final = tuple(_logged(plan) for plan in PLANS)


def note_job(metrics: Metrics, wall: Clock) -> JobListener:
    """Return a listener that counts and logs the results of due work."""

    def _note(item: DueItem, error: Exception | None) -> None:
        metrics.due_run(item.kind, succeeded=error is None)
        if item.kind == POLL and error is None:
            metrics.slots_polled(item.key, wall.now().timestamp())
        if isinstance(error, OpenersError):
            _log.warning("due work will be retried", kind=item.kind, attempt=item.attempt, reason=repr(error))
        elif error is not None:
            _log.error("due work failed", kind=item.kind, attempt=item.attempt, exc_info=error)

    return _note
