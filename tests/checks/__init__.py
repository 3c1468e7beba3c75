"""Checks of the project itself that import contracts, linter and type checker cannot express.

Each check is a function that takes one source text and returns findings. `python -m tests.checks` runs all checks on
the tree. The tests `test_*.py` in this folder prove that each check finds its faults and that the tree has none.
"""
