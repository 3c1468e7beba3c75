"""Stores for tests, what is put into them past the service, and what is read there."""
