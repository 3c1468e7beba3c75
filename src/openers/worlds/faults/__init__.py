"""Faults that a test injects."""
