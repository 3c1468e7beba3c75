"""Booking, deferral and cancellation against a small PAS over real HTTP."""
