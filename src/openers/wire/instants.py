"""Instants and dates in FHIR format, which is the same in both FHIR versions."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from openers.domain.clock import Instant, in_utc

_encode: Final = msgspec.json.Encoder().encode
_FORMAT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def read_instant(text: str) -> Instant:
    """Return the instant of `text` in UTC, truncated to milliseconds. Raises `ValueError`."""
    if not _FORMAT.fullmatch(text):
        raise ValueError("must be an instant such as 2030-01-31T09:30:00.000Z, with an offset")
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time that exists") from None


def write_instant(moment: Instant) -> str:
    """Return `moment` with milliseconds and `Z`, as in 2030-01-31T09:30:00.000Z."""
    # The encoder adds quotes and omits a zero fraction. It is many times faster than `isoformat`; replies hold many
    # instants.
    written = _encode(moment).decode()
    return f"{written[1:20]}.{written[21:24]}Z" if written[20] == "." else f"{written[1:20]}.000Z"
