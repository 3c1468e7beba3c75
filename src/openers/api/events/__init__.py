"""Events for subscribers over HTTP."""
