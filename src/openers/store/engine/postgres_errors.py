"""Map asyncpg errors to a locked record, an unavailable database, or a fault in our own statement.

The mapping is total: an unexpected error means that the database is unavailable.
"""

from __future__ import annotations

from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from openers.domain.errors import OpenersError, RecordLocked, Unavailable

DRIVER: Final = (OSError, EOFError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors of asyncpg, and those that a lost connection raises below it. A timeout is an `OSError`."""
_BUSY: Final = ("55P03", "40")
"""SQLSTATEs, or their classes, of calls that may succeed on retry: lock not available, transaction rolled back."""
_OWN_FAULTS: Final = ("0A", "20", "21", "22", "23", "2F", "34", "3B", "42", "44", "P0")
"""Classes of SQLSTATE that blame the statement or its values."""
_SCHEMA_FAULTS: Final = (
    asyncpg.InvalidCachedStatementError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedTableError,
)
"""Errors of these classes that mean the database changed under a correct statement."""


def failure_of(error: Exception, *, lost: bool = False) -> OpenersError | None:
    """Return the domain error for `error`; `None` if it is one already or a fault of our own.

    With `lost` the connection has ended, so each error means that the database is unavailable.
    """
    if isinstance(error, OpenersError):
        return None
    if lost:
        return Unavailable("database")
    if not isinstance(error, DRIVER) or _is_own_fault(error):
        return None
    return RecordLocked() if _state_of(error).startswith(_BUSY) else Unavailable("database")


def is_lost(raw: PoolConnectionProxy[Any]) -> bool:
    """Return whether the connection has ended. The pool then takes it away from its user."""
    try:
        return raw.is_closed()
    except asyncpg.InterfaceError:
        return True


def _is_own_fault(error: Exception) -> bool:
    if isinstance(error, asyncpg.InterfaceError):
        return isinstance(error, ValueError)  # a value that does not fit its column
    return _state_of(error).startswith(_OWN_FAULTS) and not isinstance(error, _SCHEMA_FAULTS)


def _state_of(error: Exception) -> str:
    """Return the SQLSTATE of an error from the server; an empty text for other errors."""
    return str(getattr(error, "sqlstate", None) or "")
