"""Repositories: one module for each kind of record, to find, store and list it."""
