"""What every test run keeps to: tools that tests need, the budget of skips, the count of conformance comparisons."""

from __future__ import annotations

pytest_plugins = ["tests.needs", "tests.budget", "tests.stores", "pytester"]
