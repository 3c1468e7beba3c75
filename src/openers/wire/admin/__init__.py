"""The records of the administration API: what a request may hold, and its translation to and from the domain."""
