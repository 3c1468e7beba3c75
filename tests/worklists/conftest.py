"""Fixtures of the worklist tests."""

from __future__ import annotations

from tests.kit.referrals.fixtures import booking, cast, desk, own

__all__ = ["booking", "cast", "desk", "own"]
