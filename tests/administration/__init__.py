"""Tests of the administration: rights, versions, repeats, refusals, and what a change causes."""
