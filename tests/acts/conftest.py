"""Fixtures for the tests of acts."""

from __future__ import annotations

from tests.kit.referrals.fixtures import booking, cast, desk, own

__all__ = ["booking", "cast", "desk", "own"]
