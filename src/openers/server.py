"""The serving process: ASGI application, uvicorn, the due-work runner, start and stop.

`openers serve` and `openers demo` call `serve`. With several processes (PostgreSQL) each creates its own application by
`application_in_worker`, from settings that the parent passes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import socket
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from openers.api.http.connections import BoundedProtocol, files_of, protocol_of
from openers.api.http.request import Scope
from openers.domain.errors import OpenersError
from openers.key_files import refuse_loose_files
from openers.listening import address_of
from openers.settings import Settings, SettingsError
from openers.store.engine.writer_lock import WriterLock
from openers.telemetry.logs import configure
from openers.telemetry.metrics import Metrics
from openers.tls.files import TlsFileError
from openers.usecases.ports.transaction import Store
from openers.usecases.world import World
from openers.workers import HandedOver, Workers, begin_process, hand_over

DUE_EVERY_S: Final = 1.0
"""Pause between two checks for due work, in seconds."""
HEADS_EVERY_S: Final = 60.0
"""Pause between two log lines of the audit heads, in seconds."""
WORKER_ANSWERS_WITHIN_S: Final = 60
"""Seconds that a worker process may take to load, or to answer its parent, before it is replaced."""
COLLECT_AFTER: Final = (20_000, 5, 400)
"""Garbage collection thresholds: requests create few cycles, so full collections can be rare.

A collection of the middle generation looks at 100,000 objects at most: tens of ms while much is loaded.
"""
_log = structlog.get_logger()


class Runner(Protocol):
    """Runs due work, several items concurrently."""

    async def look(self) -> int:
        """Start due items and return their number. Raises Unavailable."""
        ...

    async def rest(self, at_most_s: float) -> None:
        """Return when an item has ended, or after `at_most_s` seconds. Raises Unavailable."""
        ...

    async def stop(self) -> None:
        """Stop running items. Raises Unavailable."""
        ...


class Served(Protocol):
    """A service that replies and runs its due work: that of `bootstrap`, or that of test mode."""

    @property
    def settings(self) -> Settings:
        """Return its settings."""
        ...

    @property
    def world(self) -> World:
        """Return the world whose due work it runs."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Return its metrics."""
        ...

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one HTTP request."""
        ...

    def runner(self) -> Runner:
        """Return the runner of due work in `world`."""
        ...

    async def upkeep(self) -> None:
        """Run the regular work of each second other than due work. Raises Unavailable."""
        ...

    async def close(self) -> None:
        """Close everything outside the store of `world`."""
        ...


Open = Callable[[], Awaitable[Served]]


class Application:
    """The ASGI application. It opens its service at start-up."""

    def __init__(self, open_it: Open) -> None:
        """Store `open_it`, which opens the service within the serving event loop."""
        self._open = open_it
        self._service: Served | None = None
        self._runner: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one connection scope."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._service is not None and scope["type"] == "http":
            await self._service(scope, receive, send)

    async def start(self) -> Served:
        """Open the service and start the runner of due work."""
        self._service = await self._open()
        _settle_memory()
        _serve_metrics(self._service)
        self._runner = asyncio.create_task(_run_due_work(self._service))
        return self._service

    async def stop(self) -> None:
        """Stop the runner and close the store."""
        if self._runner is not None:
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner
        if self._service is not None:
            await self._service.close()
            await _stop_storing(self._service)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        try:
            settings = (await self.start()).settings
        except (OpenersError, ValueError, OSError) as error:
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        _log.info("running", at=address_of(settings.host, settings.port), tls_port=settings.tls_port, pid=os.getpid())
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _settle_memory() -> None:
    """Exclude loaded objects from garbage collection, whose full runs would delay requests by tens of ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _serve_metrics(service: Served) -> None:
    """Serve metrics on their own port, if set; of several processes the first one does."""
    settings = service.settings
    if settings.metrics_port is None:
        return
    try:
        service.metrics.serve(settings.host, settings.metrics_port)
    except OSError as error:
        _log.warning("metrics are not served by this process", port=settings.metrics_port, reason=error.strerror)


async def _run_due_work(service: Served) -> None:
    """Check for due work repeatedly; log a failure and try again at the next check."""
    heads = AuditHeads(service.world.store)
    runner = service.runner()
    try:
        while True:
            await _look_once(service, runner, heads)
    finally:
        await _stop_running(runner)


async def _look_once(service: Served, runner: Runner, heads: AuditHeads) -> None:
    """Start due items, and wait until the next check."""
    try:
        await service.world.store.upkeep()
        await service.upkeep()
        await runner.look()
        await heads.log_each_minute(monotonic())
        await runner.rest(DUE_EVERY_S)
    except OpenersError as error:
        _log.warning("due work cannot run", reason=type(error).__name__)
        await asyncio.sleep(DUE_EVERY_S)
    except Exception:
        await _log.aexception("due work failed unexpectedly")
        await asyncio.sleep(DUE_EVERY_S)


async def _stop_running(runner: Runner) -> None:
    try:
        await runner.stop()
    except OpenersError as error:
        _log.warning("claims on due work were not released", reason=type(error).__name__)


class AuditHeads:
    """Logs the heads of the audit chains, for `openers audit verify --head`."""

    def __init__(self, store: Store) -> None:
        """Start without logged heads."""
        self._store = store
        self._noted: Sequence[str] = ()
        self._next_s = 0.0

    async def log_each_minute(self, now_s: float) -> None:
        """Log the heads if a minute has passed since the last time and they have changed. Raises Unavailable."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + HEADS_EVERY_S
        heads = await self._store.heads()
        if heads != self._noted:
            self._noted = heads
            _log_heads(heads)


def _log_heads(heads: Sequence[str]) -> None:
    for head in heads:
        _log.info("audit head", head=head)


async def _stop_storing(service: Served) -> None:
    """Seal waiting entries, log the last audit heads and close the store, also after a failure."""
    store = service.world.store
    try:
        await store.upkeep()
        _log_heads(await store.heads())
    except OpenersError as error:
        _log.warning("audit heads cannot be logged", reason=type(error).__name__)
    finally:
        await store.close()


class Entrance(NamedTuple):
    """How a mode is served: the function that opens its service, and the class of its connections."""

    open_service: Callable[[Settings], Awaitable[Served]]
    connections: type[BoundedProtocol]


def entrance_of(settings: Settings) -> Entrance:
    """Return how the mode of these settings is served. Only test mode loads the modules of test mode."""
    if settings.production:
        return Entrance(_open_in_production, BoundedProtocol)
    from openers.worlds import entrance  # production must not load it

    return Entrance(entrance.open_service, entrance.CONNECTIONS)


async def _open_in_production(settings: Settings) -> Served:
    from openers.bootstrap import open_service  # imported late, so that a worker answers its parent first

    return await open_service(settings)


def application_of(settings: Settings) -> Application:
    """Return the application for these settings."""
    return Application(partial(entrance_of(settings).open_service, settings))


def application_in_worker(handed: HandedOver) -> Application:
    """Return the application of a serving process. Exit if its settings differ from its parent's."""
    configure(handed.settings.log_format)
    try:
        settings = handed.opened()
    except SettingsError as error:
        _log.critical("worker cannot serve", reason=str(error))
        sys.exit(STARTUP_FAILURE)
    begin_process(settings)
    return application_of(settings)


def check_tls(settings: Settings) -> None:
    """Read the files of TLS, so that a wrong one is reported before the service starts. Raises SettingsError."""
    files = files_of(settings)
    try:
        if settings.production and files.key is not None:
            refuse_loose_files([files.key])
        if settings.tls_port is not None:
            files.context()
        files.trust()
    except TlsFileError as error:
        raise SettingsError((f"TLS: {error}",)) from error


def serve(settings: Settings, sockets: list[socket]) -> None:
    """Serve at `sockets` until a signal. Raises `BlockingIOError` if another process serves the same SQLite file.

    Raises SystemExit with a status other than 0 if the service cannot start.
    """
    configure(settings.log_format)
    lock = _writer_lock(settings)
    config = uvicorn.Config(partial(application_in_worker, hand_over(settings)), **_options(settings))
    try:
        if settings.workers == 1:
            _run_here(config, sockets)
        else:
            _run_workers(config, sockets)
    finally:
        if lock is not None:
            lock.release()


def _options(settings: Settings) -> dict[str, Any]:
    """Return uvicorn's options for each process."""
    return {
        "factory": True,
        "workers": settings.workers,
        "loop": "uvloop",
        "http": protocol_of(settings, entrance_of(settings).connections),
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,  # `openers.api.http.peers` believes trusted proxies only
        "timeout_keep_alive": int(settings.idle_timeout_s),
        "timeout_graceful_shutdown": 30,
        "timeout_worker_healthcheck": WORKER_ANSWERS_WITHIN_S,
    }


def _run_here(config: uvicorn.Config, sockets: list[socket]) -> None:
    """Serve in this process."""
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # its usual end after SIGINT
        server.run(sockets)
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _run_workers(config: uvicorn.Config, sockets: list[socket]) -> None:
    """Serve in worker processes, until a signal or until one of them cannot start."""
    workers = Workers(config, sockets)
    workers.run()
    if any(process.exitcode == STARTUP_FAILURE for process in workers.processes):
        sys.exit(STARTUP_FAILURE)


def _writer_lock(settings: Settings) -> WriterLock | None:
    path: Path | None = settings.sqlite_path
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return WriterLock(path)
