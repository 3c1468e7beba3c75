"""The style guide as a service, and a browser."""

from __future__ import annotations

from collections.abc import Generator
from threading import Thread

import pytest
import uvicorn

from openers_web.style_guide.page import PATH, application
from tests.kit.run.waiting import until
from tests.kit.web.pages import browser as browser


@pytest.fixture(scope="session")
def style_guide() -> Generator[str]:
    """Serve the style guide; return its address."""
    server = uvicorn.Server(uvicorn.Config(application(), port=0, log_level="error", ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the style guide does not start")
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}{PATH}"
    server.should_exit = True
    thread.join()
