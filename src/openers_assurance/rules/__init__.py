"""The rules: functions that judge one call by what came before it.

Each belongs to the requirement whose id it is declared with. A rule returns a mark if the call is evidence for or
against its requirement, and nothing otherwise. Its mark depends on nothing else, and no other rule sees that it ran.
"""
