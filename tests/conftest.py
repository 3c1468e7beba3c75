"""Configure every test run: load the plugins of the kit and make Hypothesis repeat the same examples.

A run gives the same result twice. To try new random examples, set `OPENERS_EXPLORE`.
"""

from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = [
    "tests.kit.run.memory",
    "tests.kit.run.needs",
    "tests.kit.run.budget",
    "tests.kit.run.figures",
    "tests.kit.run.built",
    "tests.kit.documents.answers",
    "tests.kit.store.stores",
    "tests.kit.run.kept_logging",
    "pytester",
]

settings.register_profile("same", derandomize=True)
settings.register_profile("new")
settings.load_profile("new" if os.environ.get("OPENERS_EXPLORE") else "same")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise each process that a test starts compiles all packages again
