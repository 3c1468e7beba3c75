"""What every test run keeps to: tools that tests need, the budget of skips, counted comparisons, answers met."""

from __future__ import annotations

pytest_plugins = ["tests.needs", "tests.budget", "tests.answers", "tests.stores", "pytester"]
