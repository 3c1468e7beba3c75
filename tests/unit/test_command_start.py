"""Commands start fast: what most of them do not use is imported only where it is used."""

from __future__ import annotations

import subprocess
import sys

SLOW = ("aiohttp", "asyncio", "importlib.metadata", "sqlalchemy", "starlette", "structlog")
"""Libraries that take long to import. Without them a command starts in a third of the time."""
COMMAND = """
import sys
from openers.cli.main import app
from openers.cli.token import known_key
known_key("demo-ops")
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def test_a_command_imports_nothing_slow() -> None:
    """The commands, and the key of a demo application, come without the libraries of the service."""
    done = subprocess.run([sys.executable, "-c", COMMAND, *SLOW], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
