"""The two yardsticks: *bare* returns 5 kB from memory; *floor* does so after one grouped, durable audit block.

Both are plain ASGI applications on the same server, so the difference to the service is the cost of its own work. Run
as `python -m bench.yardsticks bare|floor PORT DIRECTORY`.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from openers.domain.audit import AuditEntry
from openers.store.opening import migrate
from openers.store.sqlite import SqliteStore, open_sqlite

BODY = b'{"resourceType":"Bundle","text":"' + b"x" * 5000 + b'"}'
HEADERS = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(BODY)).encode())]
START = {"type": "http.response.start", "status": 200, "headers": HEADERS}


def entry() -> AuditEntry:
    """Return an audit entry of the usual size."""
    return AuditEntry(
        event_type="GET",
        audit_type="API Retrieve Request Summary",
        at=datetime.now(UTC),
        operation="A005",
        request_id="58621d65-d5ad-4c3a-959f-0438e355990e-1",
        user="555073103100",
        organisation="D82106",
        business_function="REFERRING_CLINICIAN",
        application="demo-user-app",
        session="58621d65-d5ad-4c3a-959f-0438e355990e",
        asid="200000000001",
        outcome=200,
    )


def bare() -> Any:
    """Return an application that replies from memory."""

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send(START)
            await send({"type": "http.response.body", "body": BODY})

    return app


def floor(directory: Path) -> Any:
    """Return an application that replies from memory after its audit entry is durable."""
    opened: list[SqliteStore] = []

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if not opened:
            await migrate(f"sqlite:///{directory / 'floor.db'}")
            opened.append(open_sqlite(directory / "floor.db", b"k" * 32))
        await opened[0].witness(entry())
        await send(START)
        await send({"type": "http.response.body", "body": BODY})

    return app


def main() -> None:
    """Serve one yardstick until stopped."""
    kind, port, directory = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    app = bare() if kind == "bare" else floor(directory)
    options: dict[str, Any] = {"loop": "uvloop", "http": "httptools", "lifespan": "off"}
    config = uvicorn.Config(app, port=port, log_level="warning", access_log=False, server_header=False, **options)
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
