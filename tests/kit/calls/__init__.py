"""Every call of every operation: what it must be answered, what is refused, and how to spoil it."""
