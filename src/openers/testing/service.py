"""The service of a test run: in a thread of the test process, on a free port.

The modules of the service are imported when it starts, since pytest loads this module in each run.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from openers.settings import Settings

WITHIN_S: Final = 120.0
"""Limit of each wait in seconds: for the start, for a reply of test control, for the end."""
LET_GO_AFTER_S: Final = 3
"""Seconds after which the end drops connections that clients keep open."""


class TestedService:
    """A service in a thread of this process, with its address `base_url`."""

    __test__ = False

    def __init__(self, directory: Path, pack: str, within_s: float = WITHIN_S, folder: Path = Path()) -> None:
        """Start it on a free port of this machine, with its files in `directory`; pack paths are relative to `folder`.

        Raises RuntimeError, which names the awaited step, if the start fails or takes `within_s` seconds.
        """
        from openers.worlds.packs import reference_to

        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url: Final = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.pack: Final = reference_to(pack, folder)
        self.folder: Final = folder
        self._settings = _settings(directory, self.base_url, self.pack)
        self._ready, self._end = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._awaited = "the modules of the service to be imported"
        self._thread = threading.Thread(target=self._run, name="openers", daemon=True)
        self._thread.start()
        if not self._starts(within_s):
            raise RuntimeError(f"the service did not start within {within_s:.0f} s: it waits for {self._awaited}")
        if self._failure is not None:
            waited = f"it waited for {self._awaited}"
            raise RuntimeError(f"the service did not start: {self._failure!r} while {waited}") from self._failure

    def stop(self, within_s: float = WITHIN_S) -> None:
        """Stop it. Raises RuntimeError, which names the awaited step, if that takes `within_s` seconds."""
        self._end.set()
        self._thread.join(within_s)
        if self._thread.is_alive():
            raise RuntimeError(f"the service did not stop within {within_s:.0f} s: it waits for {self._awaited}")

    def _starts(self, within_s: float) -> bool:
        """Wait until it serves or has failed; return whether that was in time."""
        return self._ready.wait(within_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        import uvicorn

        from openers.api.http.connections import protocol_of
        from openers.worlds.mode import open_test_service
        from openers.worlds.recording.connection import ControlledProtocol

        self._awaited = f"the database {self._settings.database_url} to be opened"
        service = await open_test_service(self._settings, own_pas=True)
        self._awaited = f"the pack {self.pack} to be loaded"
        await service.worlds.load(service.worlds.main, self.pack)
        options: dict[str, Any] = {
            "http": protocol_of(service.settings, ControlledProtocol),
            "timeout_graceful_shutdown": LET_GO_AFTER_S,
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "proxy_headers": False,
        }
        config = uvicorn.Config(service, **options)
        server = uvicorn.Server(config)
        serving = asyncio.gather(server.serve(sockets=[self._socket]), self._wait(server))
        self._awaited = "its connections to be closed"
        self._ready.set()
        try:
            await serving
        finally:
            self._awaited = "the work in its worlds to end"
            await service.close()
            await service.world.store.close()

    async def _wait(self, server: Any) -> None:
        """Stop the server at the end of the test run."""
        await asyncio.to_thread(self._end.wait)
        server.should_exit = True


def _settings(directory: Path, base_url: str, pack: str) -> Settings:
    from openers.settings import read_settings
    from openers.worlds.packs import world_name

    given = {
        "database_url": f"sqlite:///{directory / 'openers.db'}",
        "audit_key_file": directory / "audit.key",
        "signing_key_file": directory / "signing.pem",
        "base_url": base_url,
        "world": world_name(pack),
    }
    return read_settings({}, given)
