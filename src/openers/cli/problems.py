"""Read a command's settings from the environment, and print errors in one line."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import typer

from openers.listening import CannotListen, Wanted
from openers.places import is_a_file
from openers.settings import Settings, SettingsError, read_settings

T = TypeVar("T")


def settings_of(**overrides: object) -> Settings:
    """Return the settings from the environment and the given options; `None` means not given."""
    with told_in_one_line():
        return read_settings(os.environ, overrides, is_used)


def is_used(database_url: str) -> bool:
    """Return whether a database has tables already. Raises Unavailable."""
    if database_url.startswith("sqlite:"):
        return is_a_file(database_url)
    from openers.store.opening import holds_tables

    return waited(holds_tables(database_url))


def service_addresses(settings: Settings) -> list[Wanted]:
    """Return the addresses at which the service listens: the plain one, and that of TLS if it is on."""
    plain = Wanted("the service", settings.host, settings.port, "--port or OPENERS_PORT")
    if settings.tls_port is None:
        return [plain]
    return [plain, Wanted("the service (TLS)", settings.host, settings.tls_port, "--tls-port or OPENERS_TLS_PORT")]


def waited(work: Coroutine[Any, Any, T]) -> T:
    """Return what asynchronous work returns. Most commands do none, and start faster without asyncio."""
    import asyncio

    return asyncio.run(work)


@contextmanager
def told_in_one_line() -> Generator[None]:
    """Print failures that a user can solve in one line each, with exit status 1, or 2 for settings."""
    from openers.domain.errors import FieldRefused, NotFound, RecordLocked, Unavailable

    try:
        yield
    except SettingsError as error:
        raise _told(error.problems, 2) from None
    except CannotListen as error:
        raise _told(error.problems) from None
    except BlockingIOError:
        raise _told(["another process has the SQLite file open for writing; stop it first"]) from None
    except Unavailable as error:
        raise _told([f"not available: {error.part}"]) from None
    except FieldRefused as error:
        raise _told([f"{error.field.value} {error.value} {error.hint}"]) from None
    except NotFound as error:
        raise _told([f"{error.field.value} {error.value} does not exist"]) from None
    except RecordLocked:
        raise _told(["another caller is changing the referral; try again later"]) from None
    except (ValueError, OSError) as error:
        raise _told(str(error).splitlines() or [type(error).__name__]) from None


def _told(problems: Sequence[str], status: int = 1) -> typer.Exit:
    """Print each problem; return the error to raise."""
    for problem in problems:
        typer.echo(f"openers: {problem}", err=True)
    return typer.Exit(status)
