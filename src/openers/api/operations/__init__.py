"""One file for each operation, named after its number: A for published ones, X for our own.

Importing the package registers all of them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

for _name in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_name}")
