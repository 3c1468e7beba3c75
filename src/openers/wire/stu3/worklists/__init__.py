"""Worklists in STU3: requests, columns, lists, schemas."""
