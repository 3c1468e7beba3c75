"""What every test run keeps to: tools that tests need, the budget of skips, counted comparisons, answers met.

A run gives the same verdict twice: what Hypothesis tries is the same each time, unless `OPENERS_EXPLORE` is set.
"""

from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = [
    "tests.kit.run.needs",
    "tests.kit.run.budget",
    "tests.kit.documents.answers",
    "tests.kit.store.stores",
    "tests.kit.run.kept_logging",
    "pytester",
]

settings.register_profile("same", derandomize=True)
settings.register_profile("new")
settings.load_profile("new" if os.environ.get("OPENERS_EXPLORE") else "same")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process that a test starts compiles all packages anew
