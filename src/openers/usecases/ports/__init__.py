"""The ports of the use cases to the outside world: protocols and the values that they exchange."""
