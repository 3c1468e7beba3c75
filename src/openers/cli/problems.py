"""What a command needs from the environment, and what it says in one line when something is wrong."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

import typer

from openers.settings import Settings, SettingsError, read_settings


def settings_of(**overrides: object) -> Settings:
    """The settings of the environment and the options given; `None` is not given."""
    try:
        return read_settings(os.environ, overrides)
    except SettingsError as error:
        for problem in error.problems:
            typer.echo(f"openers: {problem}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def told_in_one_line() -> Generator[None]:
    """Turn the failures that a user can do something about into one line and exit status 1."""
    from openers.domain.errors import FieldRefused, NotFound, RecordLocked, Unavailable

    try:
        yield
    except BlockingIOError:
        typer.echo("openers: another process has the SQLite file open for writing; stop it first", err=True)
        raise typer.Exit(1) from None
    except Unavailable as error:
        typer.echo(f"openers: not available: {error.part}", err=True)
        raise typer.Exit(1) from None
    except FieldRefused as error:
        typer.echo(f"openers: {error.field} {error.value} {error.hint}", err=True)
        raise typer.Exit(1) from None
    except NotFound as error:
        typer.echo(f"openers: {error.field} {error.value} does not exist", err=True)
        raise typer.Exit(1) from None
    except RecordLocked:
        typer.echo("openers: somebody else is changing the referral; try again later", err=True)
        raise typer.Exit(1) from None
    except SettingsError as error:
        typer.echo(f"openers: {error}", err=True)
        raise typer.Exit(2) from None
    except (ValueError, OSError) as error:
        typer.echo(f"openers: {error}", err=True)
        raise typer.Exit(1) from None
