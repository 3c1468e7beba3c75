"""Instants and dates as FHIR writes them. Both FHIR versions agree."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from openers.domain.clock import Instant, in_utc

_FORMAT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def read_instant(text: str) -> Instant:
    """The instant that `text` names, in UTC and cut to milliseconds. Raises `ValueError`."""
    if not _FORMAT.fullmatch(text):
        raise ValueError("must be an instant such as 2030-01-31T09:30:00.000Z, with an offset")
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time that exists") from None


def write_instant(moment: Instant) -> str:
    """`moment` with milliseconds and `Z`, as in 2030-01-31T09:30:00.000Z."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
