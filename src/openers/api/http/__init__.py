"""HTTP itself: requests, replies, media types, names of hosts, bounds and connections. Knows no operation."""
