"""Planted faults: each small change to the source must make a test fail (`make sabotage`)."""
