"""Fixtures of the tests of worklists."""

from __future__ import annotations

from tests.acts.conftest import cast, own
from tests.booking.conftest import booking, desk

__all__ = ["booking", "cast", "desk", "own"]
