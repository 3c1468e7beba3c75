"""Calls of the Test PAS to the service: keys, outbox, notifications."""
