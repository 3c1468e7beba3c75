"""Events: what has happened, for whoever follows it."""
