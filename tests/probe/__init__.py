"""Tests of the test environment: faults, what is remembered of calls, explanations, events."""
