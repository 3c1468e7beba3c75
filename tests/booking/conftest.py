"""Fixtures for the booking tests."""

from __future__ import annotations

from tests.kit.referrals.fixtures import booking, desk

__all__ = ["booking", "desk"]
