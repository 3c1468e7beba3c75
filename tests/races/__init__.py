"""Many concurrent callers for few slots, over HTTP."""
