"""Import the service without test mode, because a production process must not import test mode.

`tests.kit.run.forked` preloads this module in the process that it forks. No other module imports it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import openers

TEST_MODE = ("openers.worlds", "openers.testing", "openers.cli.demo")
"""Test mode, and the modules that import it at once."""

for module in walk_packages(openers.__path__, "openers."):
    if not module.name.startswith(TEST_MODE):
        import_module(module.name)
