"""The formats of log lines. Settings name them; the rest of logging is slow to import, and commands do not need it."""

from __future__ import annotations

from enum import StrEnum


class LogFormat(StrEnum):
    """Format of a line."""

    JSON = "json"
    READABLE = "readable"
