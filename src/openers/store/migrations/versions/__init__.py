"""Alembic revisions, the newest last."""
