"""Serve a mock in a process of its own. Errors are those of the port and of the files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import uvicorn

from openers.worlds.mocks.ods import MockOds
from openers.worlds.mocks.pds import TOKEN_LIFE_S, MockPds
from openers.worlds.packs import read_pack

STOP_WITHIN_S: Final = 3


def serve_pds(address: tuple[str, int], world: str, public_key: Path | None, token_life_s: int = TOKEN_LIFE_S) -> None:
    """Serve the patients of a pack as PDS does, until a signal ends it. Raises PackError, OSError, ValueError."""
    keys = None if public_key is None else msgspec.json.decode(public_key.read_bytes(), type=dict[str, object])
    mock = MockPds(read_pack(world).patients, keys, token_life_s)
    _serve(mock.app(), address)


def serve_ods(address: tuple[str, int], world: str) -> None:
    """Serve the organisations of a pack as ODS does, until a signal ends it. Raises PackError, OSError."""
    _serve(MockOds(read_pack(world).organisations).app(), address)


def _serve(app: object, address: tuple[str, int]) -> None:
    host, port = address
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]  # uvicorn names the protocol, which Starlette implements
        host,
        port,
        ws="none",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    uvicorn.Server(config).run()
