"""Sessions of people: how they end, and who is told."""
