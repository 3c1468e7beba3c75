"""Logs and metrics of a running service for operators, without patient data."""
