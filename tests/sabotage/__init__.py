"""Planted faults: each small change to the source must turn a test red (`make sabotage`)."""
