"""Databases for tests, and direct writes and reads that bypass the service."""
