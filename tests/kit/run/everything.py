"""Imports the service, test mode left out, which a process in production must not have imported.

`tests.kit.run.forked` names this module to the process from which it forks; nothing else imports it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import openers

for module in walk_packages(openers.__path__, "openers."):
    if not module.name.startswith("openers.worlds"):
        import_module(module.name)
