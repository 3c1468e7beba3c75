"""Many callers for few slots, over HTTP and at once."""
