"""Checks of the project itself: what the import contracts, the linter and the type checker can't say.

Each check is a function over one source text that returns findings; `python -m tests.checks` runs them all over the
tree, `test_*.py` beside them prove that each finds what it is for and that the tree is clean.
"""
