"""The Test PAS as a web application, and as a process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from openers_testpas.api import FhirApi
from openers_testpas.connections import PasProtocol
from openers_testpas.control import control_routes
from openers_testpas.options import Options
from openers_testpas.pages.routes import Pages
from openers_testpas.replies import Problem, refusal
from openers_testpas.system import System

STOP_WITHIN_S: Final = 3


def build(system: System) -> Starlette:
    """Return the application. Its lifespan opens connections, runs the background tasks, and closes the store."""
    options = system.options
    api = FhirApi(options.fhir_url, system.doorkeeper, system.faults, system.writer)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with system.http, anyio.create_task_group() as group:
            group.start_soon(system.run)
            yield
            group.cancel_scope.cancel()
        system.store.close()

    return Starlette(
        routes=[
            Mount("/fhir", routes=api.routes(system.slots, system.bookings, system.clinics)),
            Mount("/_control", routes=control_routes(system)),
            *Pages(system).routes(),
        ],
        exception_handlers={Problem: _tell_problem, HTTPException: _tell_http_error},
        lifespan=lifespan,
    )


def serve(options: Options) -> None:
    """Serve until a signal ends it. Raises InUse, BadClinics or BadKey."""
    app = build(System(options))
    config = uvicorn.Config(
        app,
        options.host,
        options.port,
        http=PasProtocol,
        ws="none",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    uvicorn.Server(config).run()


async def _tell_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return refusal(error.status, error.code, error.text)


async def _tell_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if request.url.path.startswith("/fhir"):
        return refusal(error.status_code, "not-supported", error.detail)
    return PlainTextResponse(error.detail, error.status_code)
