"""`openers quickconnect …`: runs Quick Connect, a package of its own, with the arguments that follow."""

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
"""All arguments go to Quick Connect, `--help` too."""


def quickconnect(context: typer.Context) -> None:
    """Quick Connect: pages for professionals, and commands that prove a connection or download worklists."""
    command = [sys.executable, "-m", "openers_quickconnect", *context.args]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - our own package
