"""Faults on order."""
