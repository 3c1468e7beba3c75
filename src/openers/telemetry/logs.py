"""Configure logging: one redacted line for each event on standard error, from this service and its libraries.

Called once at start. Events are texts with named values: `logger("store").info("Group committed", entries=16)`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import msgspec
import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from openers.telemetry.formats import LogFormat
from openers.telemetry.redaction import redact

_encode: Final = msgspec.json.Encoder(enc_hook=repr).encode


def configure(log_format: LogFormat = LogFormat.JSON, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (standard error by default), from `level` on. May be called again."""
    target = stream or sys.stderr
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    written: list[Processor] = [redact_event, _renderer(log_format)]
    structlog.configure(
        processors=[*steps, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.PositionalArgumentsFormatter(),
                *steps,
            ],
            processors=[ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.INFO))


def logger(part: str) -> FilteringBoundLogger:
    """Return the logger of a part of the service."""
    return cast("FilteringBoundLogger", structlog.get_logger(part=part))


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask patients' identifiers and credentials anywhere in the event (a structlog processor)."""
    kept = {name: event.pop(name) for name in ("timestamp", "level") if name in event}
    masked = cast("dict[str, Any]", redact(dict(event)))
    return {**kept, **masked}


def _renderer(log_format: LogFormat) -> Processor:
    """Return the last processor, which writes the event as one line."""
    if log_format is LogFormat.READABLE:
        return structlog.dev.ConsoleRenderer(colors=False)
    return _as_json


def _as_json(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return the event as one line of JSON."""
    return _encode(event).decode()
