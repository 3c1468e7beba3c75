"""An ASGI application on a free port, in a thread of the test's process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

from tests.kit.run.waiting import until


@contextmanager
def served(application: ASGIApp) -> Generator[str]:
    """Serve the application; yield its address."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, access_log=False, ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the application does not start")
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
