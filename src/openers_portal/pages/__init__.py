"""The pages. Each is a function of a visitor, and returns what it shows as data: for HTML and for JSON."""
