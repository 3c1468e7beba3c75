"""HTTP only: requests, replies, media types, host names, bounds and connections. It contains no operation."""
