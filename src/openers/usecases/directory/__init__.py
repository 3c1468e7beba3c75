"""Services and people: search, read, shortlist, load."""
