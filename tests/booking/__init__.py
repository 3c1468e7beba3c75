"""Tests of booking, deferral and cancellation with a small PAS over real HTTP."""
