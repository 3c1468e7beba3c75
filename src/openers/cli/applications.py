"""`openers quickconnect …` and `openers portal …`: run packages of their own, with the arguments that follow."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final

import typer

PASSED_ON: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
"""All arguments go to the application, `--help` too."""


def quickconnect(context: typer.Context) -> None:
    """Quick Connect: pages for professionals, and commands that prove a connection or download worklists."""
    _run("openers_quickconnect", context)


def portal(context: typer.Context) -> None:
    """Partner portal: pages on which suppliers register, connect and ask."""
    _run("openers_portal", context)


def _run(package: str, context: typer.Context) -> None:
    command = [sys.executable, "-m", package, *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - our own packages
