"""Tests of the test environment: faults, recorded calls, explanations, events."""
