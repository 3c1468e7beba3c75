"""Worlds that run: clock, ids, registry, copies, snapshots, sessions, PAS."""
