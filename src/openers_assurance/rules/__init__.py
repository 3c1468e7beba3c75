"""The rules: pure functions that judge one call by what came before it.

Each belongs to the requirement whose id it is declared with. A rule returns a mark if the call is evidence for or
against its requirement, and nothing otherwise. It changes neither the call nor the history.
"""
