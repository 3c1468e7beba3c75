"""Each error of the PostgreSQL driver has a meaning in the domain."""

from __future__ import annotations

import asyncio
import inspect

import asyncpg
import pytest
from asyncpg import exceptions
from asyncpg.exceptions._base import DataError as OwnDataError

from openers.domain.errors import NotFound, OpenersError, RecordLocked, Unavailable
from openers.domain.fields import Field
from openers.store.engine.postgres_errors import failure_of

DRIVER = sorted(
    {each for each in vars(exceptions).values() if inspect.isclass(each) and issubclass(each, Exception)},
    key=lambda each: each.__name__,
)
"""All error classes of the driver."""
LOCKED = {
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    exceptions.StatementCompletionUnknownError,
    exceptions.TransactionIntegrityConstraintViolationError,
}
SCHEMA = {asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError, asyncpg.InvalidCachedStatementError}
"""Classes that report a faulty statement when the schema or its rights have changed."""
OURS = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.FeatureNotSupportedError,
    asyncpg.PLPGSQLError,
    asyncpg.SQLRoutineError,
    asyncpg.SavepointError,
    asyncpg.CardinalityViolationError,
    asyncpg.CaseNotFoundError,
    asyncpg.InvalidCursorNameError,
    asyncpg.WithCheckOptionViolationError,
    OwnDataError,
    exceptions.ClientConfigurationError,
)
"""Faults of our own statements: they stay unchanged, and the edge returns 500 with the id of a log entry."""
LOST: list[Exception] = [
    TimeoutError(),
    ConnectionResetError(),
    ConnectionRefusedError(),
    BrokenPipeError(),
    OSError(28, "No space left on device"),
    FileNotFoundError(),
    asyncio.IncompleteReadError(b"", 5),
    EOFError(),
]
"""Errors that a lost connection raises below the driver."""


def meaning(kind: type[Exception]) -> type[OpenersError] | None:
    """Return the expected meaning of an error class."""
    if kind in LOCKED:
        return RecordLocked
    if issubclass(kind, OURS) and kind not in SCHEMA:
        return None
    return None if issubclass(kind, Warning) else Unavailable


@pytest.mark.parametrize("kind", DRIVER)
def test_each_class_of_the_driver_means_something(kind: type[Exception]) -> None:
    """The driver has over 200 classes, including those of the client."""
    assert len(DRIVER) > 200
    assert exceptions.InternalClientError in DRIVER
    failure = failure_of(kind("text"))
    assert (None if failure is None else type(failure)) is meaning(kind)


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_what_a_lost_connection_raises_means_unavailable(error: Exception) -> None:
    assert type(failure_of(error)) is Unavailable


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("transport closed"), AttributeError("x")])
def test_anything_means_unavailable_once_the_connection_has_ended(error: Exception) -> None:
    """After a lost connection the driver's own code may fail; with an open connection such an error is our fault."""
    assert type(failure_of(error, lost=True)) is Unavailable
    assert failure_of(error) is None


def test_an_error_of_the_domain_stays_what_it_is() -> None:
    """A domain error stays unchanged, even if the connection has been lost meanwhile."""
    assert failure_of(NotFound(Field.SERVICE, "1"), lost=True) is None
